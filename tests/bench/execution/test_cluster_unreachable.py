"""Clusters and queues that cannot be used, each in one line."""

import pytest

from bench.execution.cluster import connect
from fmnist_jax.errors import UserError
from tests.bench.execution.test_cluster import join
from tests.support.processes import PATIENCE_S
from tests.support.small_cluster import small_cluster


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("slrum", "unknown cluster 'slrum': .*did you mean 'slurm'"),
        ("tcp://127.0.0.1:1", "no Dask scheduler answers at tcp://127.0.0.1:1: start one"),
        ("tpc://127.0.0.1:1", "no Dask scheduler answers"),
        ("slurm", "no sbatch here"),
    ],
)
def test_what_cannot_be_reached_is_named(tmp_path, monkeypatch, where, message):
    monkeypatch.setattr(connect, "CONNECT_S", 1.0)
    with pytest.raises(UserError, match=message), join(where, tmp_path):
        pass


def test_a_cluster_without_workers_or_with_useless_ones_is_named(tmp_path, monkeypatch):
    with small_cluster(tmp_path) as cluster:
        monkeypatch.setattr(connect, "WORKERS_S", 0.1)
        with (
            pytest.raises(UserError, match=r"no workers: start one .* dask worker tcp://"),
            join(cluster.address, tmp_path / "r"),
        ):
            pass
        monkeypatch.setattr(connect, "WORKERS_S", PATIENCE_S)
        cluster.worker("--no-nanny")
        with (
            pytest.raises(UserError, match=r"no worker can be used: .*no jax here"),
            join(cluster.address, tmp_path / "r", inspect=refuse),
        ):
            pass


def refuse(command, cores):
    raise UserError("no jax here")


def test_the_extra_is_named_where_it_is_missing(tmp_path, monkeypatch):
    for package, where in (("distributed", "tcp://127.0.0.1:1"), ("dask_jobqueue", "pbs")):
        monkeypatch.setattr(connect, "find_spec", lambda name, gone=package: name != gone)
        with (
            pytest.raises(UserError, match=r"not installed: pip install -e '\.\[cluster\]'"),
            join(where, tmp_path),
        ):
            pass


def test_a_queue_without_a_description_of_its_jobs_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.which", lambda _: "/bin/true")
    with (
        pytest.raises(UserError, match=r"cores and memory under jobqueue: sge: .*jobqueue\.yaml"),
        join("sge", tmp_path),
    ):
        pass
