"""The loop: what it hands out, stores, tries again and leaves to others."""

import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
from dataclasses import replace

from bench.execution.executor import Slot, TaskResult
from bench.execution.local import LocalExecutor
from bench.execution.pending import PendingCases, find_pending
from bench.execution.scheduler import MAX_RELOCATIONS, Scheduler
from bench.measure import messages
from bench.measure.messages import Measured, Outcome
from bench.records import identity, store
from bench.records.locks import CaseLocks
from tests.faults.behaviour import Watcher, behave, by_model, run, run_on
from tests.support.factory import make_case, make_host, make_record
from tests.support.processes import PATIENCE_S, wait_for


def done(finish):
    return by_model(finish.stored)


def statuses(results):
    return sorted((f.record.case.model, f.record.run.status) for f in store.read(results))


def test_an_interrupt_keeps_what_is_done_and_records_the_rest(tmp_path):
    watcher = Watcher()

    def interrupt():
        wait_for(lambda: watcher.attempts, "the end of a case")
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=interrupt).start()
    cases = [make_case("knn"), make_case("svm", sleep=600), make_case("logistic_regression")]
    cases.append(make_case("logistic_regression", sleep=600, seed=1))
    finish = run(tmp_path, *cases, watcher=watcher)
    assert finish.interrupted
    runs = done(finish)
    assert runs["knn"].status == "ok"
    assert runs["svm"].status == "interrupted"
    assert by_model(store.read(tmp_path)) == runs


def test_a_second_run_does_only_what_is_missing(tmp_path):
    cases = [make_case("knn"), make_case("svm")]
    store.write(tmp_path, make_record(cases[0]), {})
    store.write(tmp_path, make_record(cases[1], status="failed"), {})
    pending = find_pending(cases, [make_host()], tmp_path)
    assert pending.todo == [cases[1]]
    assert [stored.record.case for stored in pending.done] == [cases[0]]
    pending = find_pending(cases, [make_host()], tmp_path, fresh=True)
    assert (pending.todo, pending.done) == (cases, [])


def test_a_case_that_comes_twice_runs_once(tmp_path):
    watcher, case = Watcher(), make_case("knn")
    assert find_pending([case, case], [make_host()], tmp_path).todo == [case]
    executor = LocalExecutor(make_host(), (0, 1), execute=behave)
    summary = Scheduler(PendingCases([case, case]), tmp_path, executor, watcher).run()
    assert watcher.attempts == [("knn", "ok", False)]
    assert len(summary.stored) == 1


def test_a_transient_fault_is_tried_again_and_every_attempt_is_kept(tmp_path):
    watcher = Watcher()
    case = make_case("svm", end="die", until=str(tmp_path / "tried"))
    finish = run(tmp_path / "r", case, make_case("knn"), watcher=watcher, retries=2)
    assert done(finish)["svm"].status == "ok"
    assert [attempt for attempt in watcher.attempts if attempt[0] == "svm"] == [
        ("svm", "failed", True),
        ("svm", "ok", False),
    ]
    assert statuses(tmp_path / "r") == [("knn", "ok"), ("svm", "failed"), ("svm", "ok")]


def test_retries_have_an_end_and_a_mistake_is_not_repeated(tmp_path):
    watcher = Watcher()
    cases = make_case("svm", end="die"), make_case("knn", end="raise")
    finish = run(tmp_path, *cases, watcher=watcher, retries=1)
    assert sorted(watcher.attempts) == [
        ("knn", "failed", False),
        ("svm", "failed", False),
        ("svm", "failed", True),
    ]
    assert {r.status for r in done(finish).values()} == {"failed"}
    assert len(finish.stored) == 2


class Vanishing:
    """Machines that are gone as soon as they have begun with a case."""

    lock_scope, running = "vanishing", ()

    def __init__(self):
        self.hosts, self.ended = [make_host()], []

    def prepare(self, cases):
        pass

    def find_slot(self, case):
        return Slot(self.hosts[0], (0,))

    def start(self, task, place):
        outcome = Outcome(messages.make_record(task, "failed", "its worker was lost"))
        self.ended.append(TaskResult(task, outcome, retryable=True, worker_lost=True))

    def poll(self, report):
        ended, self.ended = self.ended, []
        return ended

    def stop(self):
        return []


def test_a_case_that_loses_every_machine_is_given_up(tmp_path):
    finish = run_on(Vanishing(), tmp_path, make_case("svm"), retries=1)
    assert done(finish)["svm"].status == "failed"
    # The first attempt, as many elsewhere, and the retry.
    assert statuses(tmp_path) == [("svm", "failed")] * (1 + MAX_RELOCATIONS + 1)


def test_a_death_after_the_measuring_costs_the_pictures_alone(tmp_path, caplog):
    class Dying(Vanishing):
        def start(self, task, place):
            super().start(task, place)
            measured = Measured(messages.make_record(task, "ok"), {"a.txt": ("a", b"b")})
            self.ended[-1] = replace(self.ended[-1], measured=measured, contended=True)

    watcher = Watcher()
    finish = run_on(Dying(), tmp_path, make_case("svm"), watcher=watcher, retries=1)
    assert watcher.attempts == [("svm", "ok", False)]
    (stored,) = finish.stored
    assert stored.record.run.contended
    assert stored.artifact("a").read_bytes() == b"b"
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert warnings == [
        "svm was measured, but its pictures and explanations are missing: its worker was lost"
    ]


def test_what_a_machine_had_done_that_joins_late_is_not_done_again(tmp_path):
    class Joining(Vanishing):
        def prepare(self, cases):
            self.hosts.append(make_host(id="late"))

    watcher, case = Watcher(), make_case("svm")
    store.write(tmp_path, make_record(case, host=make_host(id="late")), {})
    finish = run_on(Joining(), tmp_path, case, watcher=watcher)
    assert watcher.tasks == []
    assert [found.record.machine.id for found in finish.stored] == ["late"]
    run_on(Joining(), tmp_path, case, watcher=watcher, fresh=True)
    assert watcher.tasks


# Runs one of four cases at a time, and notes when it has seen that another run does, too.
ANOTHER_RUN = """
import sys, threading, os
from pathlib import Path
from bench.execution.local import LocalExecutor
from bench.execution.pending import find_pending
from bench.execution.scheduler import Scheduler
from tests.faults.behaviour import Watcher, behave
from tests.support.factory import make_case, make_host
from tests.support.processes import wait_for

results, meeting, *models = sys.argv[1:]
cases = [make_case(model, meet=meeting) for model in models]
executor = LocalExecutor(make_host(), (0, 1), jobs=1, execute=behave)
pending = find_pending(cases, executor.hosts, Path(results))
scheduler = Scheduler(pending, Path(results), executor, Watcher())

def note():
    wait_for(lambda: scheduler._contended, "the other run")
    (Path(meeting) / str(os.getpid())).touch()

threading.Thread(target=note, daemon=True).start()
stored = scheduler.run().stored
assert all(found.record.run.status == "ok" for found in stored)
print(len(stored), sum(found.record.run.contended for found in stored))
"""


def test_another_run_on_the_folder_shares_the_work_and_repeats_none(tmp_path):
    """Two processes, four cases that both are asked for."""
    models = ("svm", "mlp", "random_forest", "knn")
    results, meeting = tmp_path / "results", tmp_path / "meeting"
    meeting.mkdir()
    script = [sys.executable, "-c", ANOTHER_RUN, results, meeting, *models]
    both = [subprocess.Popen(script, stdout=subprocess.PIPE) for _ in range(2)]
    printed = [process.communicate(timeout=PATIENCE_S)[0].split() for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert statuses(results) == sorted((model, "ok") for model in models)
    assert [numbers[0] for numbers in printed] == [b"4", b"4"]  # either one can report on all
    assert all(int(numbers[1]) > 0 for numbers in printed)  # and says that it was not alone
    assert list((results / ".locks").iterdir()) == []


def test_what_another_run_holds_is_waited_for_and_taken_over(tmp_path):
    watcher, case, host = Watcher(), make_case("svm"), make_host()
    locked = threading.Event()

    def other_run():
        with CaseLocks(tmp_path, host.machine.id) as theirs:
            assert theirs.acquire(identity.digest_case(case))
            locked.set()
            wait_for(lambda: watcher.cases_locked_elsewhere, "the run that waits")
            store.write(tmp_path, make_record(case), {})

    thread = threading.Thread(target=other_run)
    thread.start()
    assert locked.wait(PATIENCE_S)
    # Even a run that is asked for everything anew takes what was made while it waited.
    ended = run(tmp_path, case, watcher=watcher, fresh=True)
    thread.join()
    assert watcher.tasks == []
    assert [record.case for record in watcher.records_from_elsewhere] == [case]
    assert len(ended.stored) == 1


def test_a_folder_deleted_mid_run_is_made_anew(tmp_path):
    results = tmp_path / "results"

    class Deleting(Watcher):
        def started(self, task):
            super().started(task)
            shutil.rmtree(results)

    finish = run(results, make_case("svm"), make_case("knn"), watcher=Deleting(), jobs=1)
    assert {run.status for run in done(finish).values()} == {"ok"}
    assert statuses(results) == [("knn", "ok")]  # the other one was deleted


def full(monkeypatch, *, until):
    """A disk without room for anything, until told otherwise."""
    real = store.write_atomically

    def write(path, content):
        if not until() and "fmnist-jax-results" not in str(path):
            path.with_name("x").write_bytes(b"")  # a file can be made, its content does not fit
            path.with_name("x").unlink()
            raise OSError(28, "No space left on device")
        real(path, content)

    monkeypatch.setattr(store, "write_atomically", write)


def test_a_full_disk_ends_the_run_and_no_record_is_lost(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    full(monkeypatch, until=lambda: False)
    watcher, results = Watcher(), tmp_path / "results"
    cases = make_case("svm"), make_case("mlp"), make_case("knn")
    with caplog.at_level(logging.WARNING):
        finish = run(results, *cases, watcher=watcher)
    assert [task.case.model for task in watcher.tasks] == ["svm", "mlp"]  # and no more
    assert len(caplog.records) == 1
    assert "No space left on device" in caplog.text
    assert (finish.lost, finish.left, finish.interrupted) == (0, 1, False)
    assert done(finish).keys() == {"svm", "mlp"}
    assert finish.rescued.parent == tmp_path
    assert statuses(finish.rescued) == [("mlp", "ok"), ("svm", "ok")]
    assert list(store.read(results)) == []
    assert [path for path in results.rglob("*") if path.is_file()] == []


def test_room_made_in_time_is_used(tmp_path, monkeypatch):
    watcher = Watcher()
    full(monkeypatch, until=lambda: len(watcher.attempts) > 0)
    finish = run(tmp_path, make_case("svm"), make_case("mlp"), watcher=watcher)
    assert (finish.rescued, finish.lost, finish.left) == (None, 0, 0)
    assert statuses(tmp_path) == [("mlp", "ok"), ("svm", "ok")]


def test_a_run_goes_on_without_locks_where_they_are_impossible(tmp_path, caplog):
    (tmp_path / ".locks").touch()
    with caplog.at_level(logging.WARNING):
        assert done(run(tmp_path, make_case("knn")))["knn"].status == "ok"
    assert "continuing without" in caplog.text
