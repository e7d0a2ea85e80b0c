"""Faults of workers are tested by causing them, in real processes."""

import logging
import os
import re
import signal

import psutil
import pytest

from bench.execution.local import LocalExecutor
from bench.records import store
from tests.faults.behaviour import Watcher, behave, by_model, run, run_on
from tests.support.factory import make_case, make_host
from tests.support.processes import workers


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
    cases = make_case("svm", sleep=600), make_case("mlp", end="mute")
    runs = by_model(run(tmp_path, *cases, timeout=1).stored)
    assert runs["svm"].status == runs["mlp"].status == "timeout"
    assert runs["svm"].error == "stopped after 1 s; allow more with --timeout"


def test_memory_beyond_the_limit_is_taken_back(tmp_path):
    greedy = make_case("svm", hold=500 * 2**20, sleep=600)
    runs = by_model(run(tmp_path, greedy, make_case("knn"), memory_limit=300 * 2**20).stored)
    assert runs["svm"].status == "oom"
    assert "over the limit of 0.293 GiB; allow more with --set memory_limit" in runs["svm"].error
    assert runs["knn"].status == "ok"


def test_a_process_killed_from_outside_is_recorded(tmp_path):
    class Killer(Watcher):
        def progress(self, task, progress):
            for child in workers(os.getpid()):
                child.kill()

    finish = run(tmp_path, make_case("svm", sleep=600), watcher=Killer(), jobs=1)
    (record,) = by_model(finish.stored).values()
    assert record.status == "failed"
    assert "SIGKILL" in record.error


def test_a_polite_kill_of_the_group_is_the_parents_to_answer(tmp_path):
    """Many a supervisor sends SIGTERM to all processes: workers leave the answer to the parent."""

    class Supervisor(Watcher):
        def progress(self, task, progress):
            for child in workers(os.getpid()):
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
    together = run(tmp_path / "a", make_case("svm"), make_case("knn")).stored
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
    cases = [make_case("cnn"), make_case("resnet"), make_case("knn")]
    finish = run(tmp_path, *cases, watcher=watcher, host=host)
    assert [task.case.model for task in watcher.tasks] == ["resnet", "knn", "cnn"]
    assert all(len(task.cores) == 1 for task in watcher.tasks)
    assert len(finish.stored) == 3


class AfterMeasuring(Watcher):
    """Does something when the case has sent its record and goes on."""

    def __init__(self, action):
        super().__init__()
        self._action = action

    def progress(self, task, progress):
        self._action()


def limit(name, value):
    return lambda executor: setattr(executor, name, value)


@pytest.mark.parametrize(
    ("case", "late", "reason"),
    [
        ({"end": "die"}, None, "the worker process died: killed by SIGKILL"),
        ({"end": "raise"}, None, "the worker failed: RuntimeError: no such luck"),
        ({"sleep": 600}, limit("_timeout", 0.1), "stopped after 0.1 s"),
        ({"sleep": 600}, limit("_memory_limit", 1), "stopped at .* of memory"),
        ({"sleep": 600}, lambda _: os.kill(os.getpid(), signal.SIGINT), "stopped by a signal"),
    ],
)
def test_what_goes_wrong_after_the_measuring_costs_only_pictures(
    tmp_path, caplog, case, late, reason
):
    executor = LocalExecutor(make_host(), (0, 1), execute=behave)
    watcher = AfterMeasuring(lambda: late and late(executor))
    with caplog.at_level(logging.WARNING):
        summary = run_on(
            executor, tmp_path, make_case("svm", measured=True, **case), watcher=watcher, retries=1
        )
    assert watcher.attempts == [("svm", "ok", False)]
    (stored,) = summary.stored
    assert stored.artifact("note").read_bytes() == b"measured"
    (message,) = caplog.messages
    assert re.match(
        f"svm was measured, but its pictures and explanations are missing: {reason}", message
    )
