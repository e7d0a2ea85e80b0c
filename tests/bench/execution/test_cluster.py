"""A scheduler and two workers, real processes; the cases do as they are told."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import dask
import psutil
import pytest
from distributed import Status

from bench.execution.cluster import connect
from bench.records import store
from bench.records.pending import find_pending
from fmnist_jax.errors import UserError
from tests.faults.behaviour import Watcher, behave, by_model, run_on
from tests.faults.cluster import lose_a_worker
from tests.support.command_line import QUICK
from tests.support.factory import make_case
from tests.support.processes import PATIENCE_S, wait_for
from tests.support.small_cluster import introduce, small_cluster


@pytest.fixture(scope="module")
def cluster(tmp_path_factory, cache):
    """Two workers of one core each, one of them below a nanny."""
    folder = tmp_path_factory.mktemp("dask")
    with small_cluster(folder, [], ["--no-nanny"], FMNIST_CACHE_DIR=str(cache)) as both:
        yield both


@pytest.fixture(autouse=True)
def _patience(monkeypatch):
    """However slow the machine is."""
    monkeypatch.setattr(connect, "CONNECT_S", PATIENCE_S)
    monkeypatch.setattr(connect, "WORKERS_S", PATIENCE_S)


def join(where, results, **options):
    options = {"inspect": introduce, "execute": behave} | options
    results.mkdir(exist_ok=True)
    return connect.connected(where, results, "python -m bench run", **options)


def statuses(results):
    return sorted((f.record.case.model, f.record.run.status) for f in store.read(results))


def test_two_workers_share_the_cases_and_all_records_come_home(cluster, tmp_path):
    watcher = Watcher()
    cases = [make_case(model) for model in ("svm", "mlp", "random_forest", "knn")]
    cases += [make_case("knn", seed=1, end="raise"), make_case("svm", seed=1, end="die")]
    with join(cluster.address, tmp_path) as executor:
        wait_for(lambda: executor._pool.refresh() or len(executor.hosts) == 2, "the second worker")
        stored = run_on(executor, tmp_path, *cases, watcher=watcher).stored
        assert {host.machine.id for host in executor.hosts} == {"test-core-0", "test-core-1"}
        # A case that either machine has finished is not run again.
        assert find_pending(cases, executor.hosts, tmp_path).todo == cases[4:]
    assert {f.path.relative_to(tmp_path).parts[0] for f in stored} == {"test-core-0", "test-core-1"}
    assert all(f.record.machine.id == f.path.relative_to(tmp_path).parts[0] for f in stored)
    runs = {(f.record.case.model, f.record.case.seed): f.record.run for f in stored}
    assert runs["knn", 1].error == "the worker failed: RuntimeError: no such luck"
    assert runs["svm", 1].error.startswith("the worker process died: killed by SIGKILL")
    good = [f for f in stored if not f.record.case.seed]
    assert {f.record.run.status for f in good} == {"ok"}
    assert all(f.artifact("note").read_bytes() == b"done" for f in good)
    beside_another = {task.run_id for task in watcher.tasks[:2]}  # the two are on one machine
    assert all(f.record.run.contended for f in stored if f.record.run.id in beside_another)
    assert len(store.finished(tmp_path)) == 4
    assert {model for model, p in watcher.progressed if p.epoch == 1} >= {"svm", "mlp", "knn"}


def test_the_command_runs_on_a_cluster(cluster, tmp_path, cache):
    """With a real model and fingerprint, and the data from a cache that the workers know."""
    done = subprocess.run(
        [sys.executable, "-m", "bench", "run", "knn", *QUICK, "--cluster", cluster.address,
         "--results", tmp_path],
        env=os.environ | {"FMNIST_CACHE_DIR": str(cache)}, capture_output=True, text=True,
        timeout=PATIENCE_S,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    (record,) = (found.record for found in store.read(tmp_path))
    assert (record.run.status, record.run.threads, record.machine.cores) == ("ok", 1, 1)
    assert record.machine.id.endswith("-1c")
    assert {artifact.kind for artifact in record.artifacts} >= {"confusion", "mistakes"}


def test_limits_hold_on_the_workers(cluster, tmp_path):
    greedy = make_case("mlp", hold=500 * 2**20, sleep=600)
    with join(cluster.address, tmp_path, memory_limit=300 * 2**20) as executor:
        runs = by_model(run_on(executor, tmp_path, greedy).stored)
    with join(cluster.address, tmp_path, timeout=1) as executor:
        runs |= by_model(run_on(executor, tmp_path, make_case("svm", sleep=600)).stored)
    assert (runs["svm"].status, runs["mlp"].status) == ("timeout", "oom")


def test_an_interrupt_ends_the_cases_on_the_workers(cluster, tmp_path):
    class Impatient(Watcher):
        def progress(self, task, progress):
            self.processes = [p for found in cluster.running().values() for p in found]
            os.kill(os.getpid(), signal.SIGINT)

    watcher = Impatient()
    with join(cluster.address, tmp_path) as executor:
        finish = run_on(executor, tmp_path, make_case("svm", sleep=600), watcher=watcher)
    assert finish.interrupted
    assert statuses(tmp_path) == [("svm", "interrupted")]
    assert watcher.processes
    assert psutil.wait_procs(watcher.processes, timeout=PATIENCE_S)[1] == []


def test_nothing_goes_on_for_a_client_that_was_killed(cluster, tmp_path):
    script = (
        "import sys; from pathlib import Path; from tests.bench.execution.test_cluster import *\n"
        "with join(sys.argv[1], Path(sys.argv[2])) as executor:\n"
        "    run_on(executor, Path(sys.argv[2]), make_case('svm', sleep=600))"
    )
    client = subprocess.Popen([sys.executable, "-c", script, cluster.address, tmp_path])
    (case,) = wait_for(cluster.running, "the case").values()
    client.kill()
    client.wait()
    assert psutil.wait_procs(case, timeout=PATIENCE_S)[1] == []


def test_a_lost_worker_costs_an_attempt_and_no_case(tmp_path):
    watcher, (lost, good) = lose_a_worker(tmp_path)
    assert watcher.attempts == [("svm", "failed", True), ("svm", "ok", False)]
    assert lost.run.error == "its worker was lost"
    assert lost.machine.id != good.machine.id


def test_a_worker_that_is_lost_after_the_measuring_costs_nothing(tmp_path):
    case = make_case("svm", measured=True, sleep=600)
    watcher, (record,) = lose_a_worker(tmp_path, case)
    assert watcher.attempts == [("svm", "ok", False)]
    assert [artifact.kind for artifact in record.artifacts] == ["note"]


def test_a_lost_scheduler_ends_the_run_and_what_is_done_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(connect, "CONNECT_S", 10.0)  # which is tried for so long again

    class Killer(Watcher):
        def finished(self, record, again):
            super().finished(record, again)
            cluster.scheduler.kill()

    with small_cluster(tmp_path, ["--no-nanny"]) as cluster:
        results = tmp_path / "results"
        cases = make_case("svm"), make_case("knn", sleep=600)
        lost = pytest.raises(UserError, match="connection to the cluster's scheduler is lost")
        with join(cluster.address, results) as executor, lost:
            run_on(executor, results, *cases, watcher=Killer())
    assert ("svm", "ok") in statuses(results)
    assert dict(statuses(results)).get("knn") in (None, "failed", "interrupted")


def test_a_queue_is_asked_for_one_worker_and_then_for_as_many_as_are_of_use(tmp_path, monkeypatch):
    asked = []
    with small_cluster(tmp_path) as cluster:

        class Queue:
            """As much of a SLURMCluster as is used, with workers that need no queue."""

            class job_cls:  # noqa: N801
                submit_command = "true"

            scheduler_address, status = cluster.address, Status.running

            def __enter__(self):
                return self

            def __exit__(self, *_):
                asked.append("closed")

            def scale(self, count):
                asked.append(count)
                cluster.scale(count)

        monkeypatch.setattr("dask_jobqueue.SLURMCluster", Queue)
        results = tmp_path / "results"
        sizes = {"jobqueue.slurm.cores": 1, "jobqueue.slurm.memory": "1 GB"}
        with dask.config.set(sizes), join("slurm", results, jobs=2) as executor:
            cases = [make_case(model, sleep=2) for model in ("svm", "mlp", "knn")]
            finish = run_on(executor, results, *cases)
    assert asked == [1, 2, "closed"]
    assert {run.status for run in by_model(finish.stored).values()} == {"ok"}
    assert len({found.record.machine.id for found in finish.stored}) == 2


def test_a_worker_without_the_data_says_so_in_its_record(cluster, tmp_path):
    from bench.measure.measure import execute

    with join(cluster.address, tmp_path, execute=execute) as executor:
        case = make_case("knn")
        finish = run_on(executor, tmp_path, case, data_dir=Path("/no/such/folder"))
    (record,) = by_model(finish.stored).values()
    assert record.status == "failed"
    assert "/no/such/folder" in record.error
