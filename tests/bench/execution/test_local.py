"""Faults of workers are tested by causing them, in real processes."""

import signal
import time

import psutil
import pytest

from bench.records import store
from tests.faults.behaviour import Watcher, by_model, run
from tests.support.factory import make_case, make_host


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        ("raise", "the worker failed: RuntimeError: no such luck"),
        ("die", "the worker process died: killed by SIGKILL"),
        ("segfault", "the worker process died: killed by SIGSEGV"),
        ("abort", "the worker process died: killed by SIGABRT"),
        ("exit", "the worker process died: exit code 3"),
    ],
)
def test_a_fault_costs_its_own_record_only(tmp_path, end, reason):
    stored = run(tmp_path, make_case("svm", end=end), make_case("knn")).stored
    runs = by_model(stored)
    assert runs["svm"].status == "failed"
    assert runs["svm"].error.startswith(reason)
    assert runs["knn"].status == "ok"
    assert by_model(store.read(tmp_path)) == runs
    assert all(found.artifact("note") for found in stored if found.record.run.status == "ok")


def test_a_hang_is_stopped_at_its_timeout(tmp_path):
    began = time.monotonic()
    cases = make_case("svm", sleep=600), make_case("mlp", end="mute"), make_case("knn")
    runs = by_model(run(tmp_path, *cases, timeout=5).stored)
    assert runs["svm"].status == runs["mlp"].status == "timeout"
    assert "--timeout" in runs["svm"].error
    assert runs["knn"].status == "ok"
    assert time.monotonic() - began < 60


def test_memory_beyond_the_limit_is_taken_back(tmp_path):
    greedy = make_case("svm", hold=500 * 2**20, sleep=600)
    runs = by_model(run(tmp_path, greedy, make_case("knn"), memory_limit=300 * 2**20).stored)
    assert runs["svm"].status == "oom"
    assert "over the limit of 0.293 GiB; allow more with --set memory_limit" in runs["svm"].error
    assert runs["knn"].status == "ok"


def test_a_process_killed_from_outside_is_recorded(tmp_path):
    class Killer(Watcher):
        def progress(self, task, progress):
            for child in psutil.Process().children():
                if "spawn_main" in " ".join(child.cmdline()):
                    child.kill()

    finish = run(tmp_path, make_case("svm", sleep=600), watcher=Killer(), jobs=1)
    (record,) = by_model(finish.stored).values()
    assert record.status == "failed"
    assert "SIGKILL" in record.error


def test_a_polite_kill_of_the_group_is_the_parents_to_answer(tmp_path):
    """Many a supervisor sends SIGTERM to all processes: workers leave the answer to the runner."""

    class Supervisor(Watcher):
        def progress(self, task, progress):
            for child in psutil.Process().children():
                if "spawn_main" in " ".join(child.cmdline()):
                    child.terminate()
                    child.send_signal(signal.SIGINT)

    finish = run(tmp_path, make_case("svm", sleep=1), watcher=Supervisor(), jobs=1)
    assert by_model(finish.stored)["svm"].status == "ok"


def test_what_a_dead_worker_had_started_goes_with_it(tmp_path):
    watcher = Watcher()
    run(tmp_path, make_case("svm", end="child"), watcher=watcher)
    (child,) = (int(progress.message) for _, progress in watcher.progressed)
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == "zombie"


def test_side_by_side_is_marked_and_alone_is_not(tmp_path):
    together = run(tmp_path / "a", make_case("svm", sleep=1), make_case("knn", sleep=1)).stored
    assert all(found.record.run.contended for found in together)
    apart = run(tmp_path / "b", make_case("svm"), make_case("knn"), jobs=1).stored
    assert not any(found.record.run.contended for found in apart)


def test_a_network_on_the_cpu_has_it_to_itself(tmp_path):
    watcher = Watcher()
    cases = make_case("knn"), make_case("cnn"), make_case("svm")
    finish = run(tmp_path, *cases, watcher=watcher)
    assert [task.case.model for task in watcher.tasks] == ["cnn", "svm", "knn"]
    assert [task.cores for task in watcher.tasks] == [(0, 1), (0,), (1,)]
    assert not by_model(finish.stored)["cnn"].contended


def test_baselines_run_beside_the_accelerator(tmp_path):
    watcher = Watcher()
    host = make_host(accelerator="Test GPU", accelerator_count=1)
    cases = [make_case("cnn", sleep=2), make_case("resnet", sleep=1), make_case("knn", sleep=2)]
    finish = run(tmp_path, *cases, watcher=watcher, host=host)
    assert [task.case.model for task in watcher.tasks] == ["resnet", "knn", "cnn"]
    assert all(len(task.cores) == 1 for task in watcher.tasks)
    assert len(finish.stored) == 3
