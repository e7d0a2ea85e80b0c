"""Workers that do what their case's config tells them to, well or ill; and who watches them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from bench.execution.local import LocalExecutor
from bench.execution.scheduler import Scheduler
from bench.measure.messages import Measured, Outcome, Progress, make_record
from bench.records.pending import find_pending
from tests.support.factory import make_host
from tests.support.processes import wait_for


class Watcher:
    """An observer that only remembers."""

    def __init__(self):
        self.tasks, self.progressed, self.attempts = [], [], []
        self.cases_locked_elsewhere, self.records_from_elsewhere = [], []

    def begin(self, cases):
        pass

    def started(self, task):
        self.tasks.append(task)

    def progress(self, task, progress):
        self.progressed.append((task.case.model, progress))

    def finished(self, record, again):
        self.attempts.append((record.case.model, record.run.status, again))

    def locked_elsewhere(self, case):
        self.cases_locked_elsewhere.append(case.model)

    def finished_elsewhere(self, record):
        self.records_from_elsewhere.append(record)


def behave(task, events):
    """Sleep, and then end as the case says: {"sleep": seconds, "end": what, "until": a file}.

    With "until", the case behaves well once that file is there, and makes it otherwise.
    With "measured", it sends its record before all of that, and those of the cases beside it
    unless it is to send its "own" alone. With "meet", it waits for two
    files in a folder.
    """
    wish = task.case.config["model"]
    if path := wish.get("until"):
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            wish = {}
    record = make_record(task, "ok")
    if wish.get("measured"):
        events.send(Measured(record, {"note.txt": ("note", b"measured")}))
        for case in task.beside if wish["measured"] != "own" else ():
            other = make_record(task.for_seed(case), "ok")
            events.send(Measured(other, {"note.txt": ("note", b"measured")}))
    if wish.get("end") == "child":
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        events.send(Progress("", message=str(child.pid)))
    else:
        events.send(Progress("train", epoch=1, epochs=2))
    held = bytearray(os.urandom(1)) * wish.get("hold", 0)
    if folder := wish.get("meet"):
        wait_for(lambda: len(list(Path(folder).iterdir())) > 1, "the other run")
    time.sleep(wish.get("sleep", 0))
    match wish.get("end"):
        case "raise":
            raise RuntimeError("no such luck")
        case "die" | "child":
            os.kill(os.getpid(), signal.SIGKILL)
        case "segfault":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "abort":
            os.abort()
        case "exit":
            os._exit(3)
        case "mute":  # no more a word, and no end either
            events.close()
            time.sleep(600)
    del held
    return Outcome(record, {"note.txt": ("note", b"done")})


def run(
    results, *cases, watcher=None, host=None, cores=(0, 1), jobs="auto", fresh=False, retries=0,
    execute=behave, **limits,
):  # fmt: skip
    """Run cases on this machine with workers that behave as they are told."""
    executor = LocalExecutor(host or make_host(), cores, jobs=jobs, execute=execute, **limits)
    return run_on(executor, results, *cases, watcher=watcher, fresh=fresh, retries=retries)


def run_on(executor, results, *cases, watcher=None, fresh=False, **options):
    """Run cases the way that the command line does."""
    pending = find_pending(cases, executor.hosts, results, fresh)
    return Scheduler(pending, results, executor, watcher or Watcher(), **options).run()


def by_model(stored):
    """The `run` part of each record."""
    return {found.record.case.model: found.record.run for found in stored}
