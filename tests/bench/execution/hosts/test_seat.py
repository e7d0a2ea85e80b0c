import pytest

from bench.execution.hosts import seat
from bench.measure.messages import Seat
from fmnist_jax.errors import UserError
from tests.support.factory import make_case


def test_an_ordinary_run_has_none():
    assert seat.find(None, None, None) is None
    assert seat.find("host:1234", 1, 0) is None


def test_as_told():
    assert seat.find("node-1:1234", 3, 2) == Seat("node-1:1234", 3, 2)
    assert (seat.find("[::1]:1234", 3, 2).host, seat.find("[::1]:1234", 3, 2).port) == (
        "[::1]",
        1234,
    )


SLURM = {
    "SLURM_JOB_ID": "4097",
    "SLURM_STEP_NODELIST": "node[007-009],other",
    "SLURM_NTASKS": "4",
    "SLURM_PROCID": "3",
    "SLURM_LOCALID": "0",
}


def test_as_slurm_says(monkeypatch):
    for name, value in SLURM.items():
        monkeypatch.setenv(name, value)
    found = seat.find("auto", None, None)
    assert found == Seat("node007:61441", 4, 3)
    assert seat.find("mine:99", None, None) == Seat("mine:99", 4, 3)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("auto", None, None), "cannot tell which process this is: give --coordinator HOST:PORT"),
        (("host:1", 2, None), "cannot tell which process this is"),
        ((None, 2, None), "--processes and --process-id need a coordinator"),
        ((None, None, 0), "--processes and --process-id need a coordinator"),
        (("host", 2, 0), "the coordinator 'host' is not HOST:PORT"),
        (("host:http", 2, 0), "is not HOST:PORT"),
        (("host:70000", 2, 0), "is not HOST:PORT"),
        (("host:1", 2, 2), "there is no process 2 among 2"),
        (("host:1", 2, -1), "there is no process -1 among 2"),
    ],
)
def test_what_makes_no_sense_is_one_line(given, message, monkeypatch):
    for name in SLURM:
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UserError, match=message):
        seat.find(*given)


def test_baselines_are_refused_by_name():
    seat.check([make_case("cnn"), make_case("resnet")])
    with pytest.raises(UserError, match="knn is no network and runs on one host"):
        seat.check([make_case("cnn"), make_case("knn")])
