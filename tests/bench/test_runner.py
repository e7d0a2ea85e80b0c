"""Faults are tested by causing them, in real worker processes."""

import os
import signal
import threading
import time

import psutil
import pytest

from bench import runner, store
from bench.job import Outcome, Progress, blank_record
from tests.bench.factory import make_case, make_host, make_record


class Watcher:
    """An observer that only remembers."""

    def __init__(self):
        self.tasks, self.progressed, self.records = [], [], []

    def started(self, task):
        self.tasks.append(task)

    def progress(self, task, progress):
        self.progressed.append((task.case.model, progress))

    def finished(self, record):
        self.records.append(record)


def behave(task, events):
    """Do what the case's config says."""
    wish = task.case.config["model"]
    events.send(Progress("train", epoch=1, epochs=2))
    time.sleep(wish.get("sleep", 0))
    match wish.get("end"):
        case "raise":
            raise RuntimeError("no such luck")
        case "die":
            os.kill(os.getpid(), signal.SIGKILL)
        case "segfault":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "exit":
            os._exit(3)
    return Outcome(blank_record(task, "ok"), {"note.txt": ("note", b"done")})


def run(results, *cases, watcher=None, **options):
    options = {"cores": (0, 1), "execute": behave} | options
    return runner.run(cases, make_host(), results, watcher or Watcher(), **options)


def by_model(stored):
    return {found.record.case.model: found.record.run for found in stored}


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        ("raise", "the worker failed: RuntimeError: no such luck"),
        ("die", "the worker process died: killed by SIGKILL"),
        ("segfault", "the worker process died: killed by SIGSEGV"),
        ("exit", "the worker process died: exit code 3"),
    ],
)
def test_a_fault_costs_its_own_record_only(tmp_path, end, reason):
    stored = run(tmp_path, make_case("svm", end=end), make_case("knn"), make_case("mlp"))
    runs = by_model(stored)
    assert runs["svm"].status == "failed"
    assert runs["svm"].error.startswith(reason)
    assert runs["knn"].status == runs["mlp"].status == "ok"
    on_disk = by_model(store.read(tmp_path))
    assert on_disk == runs
    assert all(found.artifact("note") for found in stored if found.record.run.status == "ok")


def test_a_hang_is_stopped_at_its_timeout(tmp_path):
    began = time.monotonic()
    runs = by_model(run(tmp_path, make_case("svm", sleep=600), make_case("knn"), timeout=20))
    assert runs["svm"].status == "timeout"
    assert "--timeout" in runs["svm"].error
    assert runs["knn"].status == "ok"
    assert time.monotonic() - began < 120


def test_a_process_killed_from_outside_is_recorded(tmp_path):
    class Killer(Watcher):
        def progress(self, task, progress):
            super().progress(task, progress)
            if task.case.model == "svm":
                for child in psutil.Process().children():
                    if "spawn_main" in " ".join(child.cmdline()):
                        child.kill()

    runs = by_model(run(tmp_path, make_case("svm", sleep=600), watcher=Killer(), jobs=1))
    assert runs["svm"].status == "failed"
    assert "SIGKILL" in runs["svm"].error


def test_side_by_side_is_marked_and_alone_is_not(tmp_path):
    together = run(tmp_path, make_case("svm", sleep=1), make_case("knn", sleep=1))
    assert all(found.record.run.contended for found in together)
    apart = run(tmp_path, make_case("svm"), make_case("knn"), jobs=1)
    assert not any(found.record.run.contended for found in apart)


def test_cores_are_shared_out_and_never_twice(tmp_path):
    watcher = Watcher()
    run(tmp_path, make_case("svm", sleep=1), make_case("knn", sleep=1), watcher=watcher)
    assert sorted(task.cores for task in watcher.tasks) == [(0,), (1,)]
    watcher = Watcher()
    run(tmp_path, make_case("svm"), make_case("knn"), watcher=watcher, jobs=1)
    assert [task.cores for task in watcher.tasks] == [(0, 1), (0, 1)]


def test_a_network_on_the_cpu_has_it_to_itself(tmp_path):
    watcher = Watcher()
    stored = run(tmp_path, make_case("knn"), make_case("cnn"), make_case("svm"), watcher=watcher)
    assert [task.case.model for task in watcher.tasks] == ["cnn", "svm", "knn"]
    assert watcher.tasks[0].cores == (0, 1)
    contended = {found.record.case.model: found.record.run.contended for found in stored}
    assert not contended["cnn"]


def test_baselines_run_beside_the_accelerator(tmp_path):
    watcher = Watcher()
    host = make_host(accelerator="Test GPU", accelerator_count=1)
    cases = [make_case("cnn", sleep=2), make_case("resnet", sleep=1), make_case("knn", sleep=2)]
    stored = runner.run(cases, host, tmp_path, watcher, cores=(0, 1), execute=behave)
    assert [task.case.model for task in watcher.tasks] == ["resnet", "knn", "cnn"]
    assert all(len(task.cores) == 1 for task in watcher.tasks)
    assert len(stored) == 3


def test_an_interrupt_keeps_what_is_done_and_records_the_rest(tmp_path):
    watcher = Watcher()

    def interrupt():
        deadline = time.monotonic() + 60
        while not watcher.records and time.monotonic() < deadline:
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt) as caught:
        run(tmp_path, make_case("knn"), make_case("svm", sleep=600), watcher=watcher)
    runs = by_model(caught.value.args[0])
    assert runs["knn"].status == "ok"
    assert runs["svm"].status == "interrupted"
    assert by_model(store.read(tmp_path)) == runs


def test_a_second_run_does_only_what_is_missing(tmp_path):
    cases = [make_case("knn"), make_case("svm")]
    store.write(tmp_path, make_record(cases[0]), {})
    store.write(tmp_path, make_record(cases[1], status="failed"), {})
    todo, done = runner.pending(cases, make_host(), tmp_path)
    assert todo == [cases[1]]
    assert [found.record.case for found in done] == [cases[0]]


@pytest.mark.parametrize(
    ("baselines", "cores", "most", "share"),
    [(5, 2, 2, 1), (5, 16, 16, 3), (1, 16, 16, 16), (5, 16, 1, 16), (0, 4, 4, 4), (9, 4, 4, 1)],
)
def test_share_of_a_baseline(baselines, cores, most, share):
    cases = [make_case("knn")] * baselines
    assert runner.cores_of_a_baseline(cases, cores, most) == share
