import pytest

from bench.execution.multihost.rank import check_plan, find_rank
from bench.measure.hosts import Rank
from bench.plan.plan import Plan
from fmnist_jax.errors import UserError
from tests.support.factory import make_case

SLURM = {
    "SLURM_JOB_ID": "4097",
    "SLURM_STEP_NODELIST": "node[007-009],other",
    "SLURM_NTASKS": "4",
    "SLURM_PROCID": "3",
    "SLURM_LOCALID": "0",
}


def test_an_ordinary_run_has_none():
    assert find_rank(None, None, None) is None
    assert find_rank("host:1234", 1, 0) is None


def test_as_given():
    assert find_rank("node-1:1234", 3, 2) == Rank("node-1:1234", 3, 2)
    assert find_rank("[::1]:1234", 3, 2).port == 1234


def test_as_slurm_says(monkeypatch):
    for name, value in SLURM.items():
        monkeypatch.setenv(name, value)
    assert find_rank("auto", None, None) == Rank("node007:61441", 4, 3)
    assert find_rank("mine:99", None, None) == Rank("mine:99", 4, 3)


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
        find_rank(*given)


def test_what_cannot_run_over_several_hosts_is_refused_by_name():
    check_plan(Plan(), [make_case("cnn"), make_case("resnet")])
    with pytest.raises(UserError, match="knn is no network and runs on one host"):
        check_plan(Plan(), [make_case("cnn"), make_case("knn")])
    for option in ({"retries": 1}, {"memory_limit": "2GiB"}):
        with pytest.raises(UserError, match="has no effect over several hosts"):
            check_plan(Plan(**option), [make_case("cnn")])
