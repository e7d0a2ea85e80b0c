"""Runs that meet on a results folder, and folders that fail."""

import logging
import shutil
import subprocess
import sys
import threading

from bench.records import identity, store
from bench.records.locks import CaseLocks
from tests.bench.execution.test_scheduler import done, statuses
from tests.faults.behaviour import Watcher, run
from tests.support.factory import make_case, make_host, make_record
from tests.support.processes import PATIENCE_S, wait_for

ANOTHER_RUN = """
import sys, threading, os
from pathlib import Path
from bench.execution.local import LocalExecutor
from bench.records.pending import find_pending
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
