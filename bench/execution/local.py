"""Tasks in processes of this machine, each supervised, with cores and a pipe of its own.

A process that raises, hangs, dies or takes too much memory costs its own record
and nothing else. A shared queue could be left locked by one that is killed, so
there is none.
"""

import multiprocessing
import os
import signal
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Literal

import psutil

from bench.execution.cores import Cores
from bench.execution.executor import Report, Slot, TaskResult
from bench.measure.measure import execute
from bench.measure.messages import Outcome, Task, contended, unmeasured_record
from bench.processes import reaper, signals
from bench.processes.child import Execute, serve
from bench.records.provenance import Provenance
from bench.records.schema import Case, Status

POLL_S = 0.1
MEMORY_POLL_S = 0.5  # between two looks at the memory of a worker


@dataclass
class _Worker:
    """A process at work.

    Attributes:
        task: what it does.
        process: which one.
        events: our end of its pipe.
        began: when, on the monotonic clock.
        weighed: when its memory was last looked at.
        contended: anything else ran beside it.
    """

    task: Task
    process: SpawnProcess
    events: Connection
    began: float
    memory_checked_at: float = 0.0
    contended: bool = False


class LocalExecutor:
    """Processes on this machine's cores."""

    def __init__(
        self,
        host: Provenance,
        cores: Iterable[int],
        *,
        jobs: int | Literal["auto"] = "auto",
        timeout: float | None = None,
        memory_limit: int | None = None,
        execute: Execute = execute,
    ) -> None:
        """Start nothing yet.

        Args:
            host: this machine.
            cores: the CPUs to share out.
            jobs: cases side by side at most; auto fills the cores.
            timeout: seconds after which a task is stopped.
            memory_limit: bytes that a worker and what it started may hold, resident.
            execute: what a worker does; it must be importable by name.
        """
        self._host = host
        self._cpus = tuple(cores)
        self._jobs = jobs
        self._cores = Cores(self._cpus, [], host, jobs)
        self._timeout = timeout
        self._memory_limit = memory_limit
        self._execute = execute
        self._workers: list[_Worker] = []

    @property
    def lock_scope(self) -> str:
        """This machine, as far as other runs are concerned."""
        return self._host.machine.id

    @property
    def hosts(self) -> Sequence[Provenance]:
        """This machine."""
        return [self._host]

    @property
    def running(self) -> Sequence[Task]:
        """The tasks that were started and have not ended."""
        return [worker.task for worker in self._workers]

    def prepare(self, cases: Sequence[Case]) -> None:
        """Divide the cores among the cases."""
        self._cores = Cores(self._cpus, cases, self._host, self._jobs)

    def find_slot(self, case: Case) -> Slot | None:
        """The cores that `case` would get now; None where it has to wait."""
        cores = self._cores.find_slot(case)
        return None if cores is None else Slot(self._host, cores)

    def start(self, task: Task, place: Slot) -> None:
        """Start a process for the task."""
        context = multiprocessing.get_context("spawn")
        receiver, sender = context.Pipe(duplex=False)
        process = context.Process(
            target=serve, args=(self._execute, task, sender, os.getpid()), daemon=True
        )
        with signals.blocked(), reaper.tagged(reaper.WORKER, task.run_id):
            process.start()
        sender.close()  # else the pipe stays open after the worker's death
        self._cores.take(task.case, place.cores)
        self._workers.append(_Worker(task, process, receiver, time.monotonic()))
        if len(self._workers) > 1:
            for worker in self._workers:
                worker.contended = True

    def poll(self, report: Report) -> list[TaskResult]:
        """Wait a moment, report progress, and say which tasks have ended."""
        pipes = [worker.events for worker in self._workers if not worker.events.closed]
        wait([*pipes, *(worker.process.sentinel for worker in self._workers)], POLL_S)
        return [ended for worker in tuple(self._workers) if (ended := self._look(worker, report))]

    def stop(self) -> list[TaskResult]:
        """End every task at once, and return when nothing of them is left."""
        return [
            # Work that was finished in this very moment is not thrown away.
            self._look(worker, lambda *_: None)
            or self._lose(worker, "interrupted", "interrupted by hand")
            for worker in tuple(self._workers)
        ]

    def _look(self, worker: _Worker, report: Report) -> TaskResult | None:
        dead = not worker.process.is_alive()  # asked before its last words are read
        if outcome := _listen(worker, report):
            return self._end(worker, outcome)
        if dead:
            reason = f"the worker process died: {_death(worker.process.exitcode)}"
            return self._lose(worker, "failed", reason)
        now = time.monotonic()
        if self._timeout and now > worker.began + self._timeout:
            reason = f"stopped after {self._timeout:g} s; allow more with --timeout"
            return self._lose(worker, "timeout", reason)
        if self._memory_limit and now > worker.memory_checked_at + MEMORY_POLL_S:
            worker.memory_checked_at = now
            if (held := resident(worker.process.pid)) > self._memory_limit:
                reason = (
                    f"stopped at {_gib(held)} of memory, over the limit of "
                    f"{_gib(self._memory_limit)}; allow more with --set memory_limit=SIZE"
                )
                return self._lose(worker, "oom", reason)
        return None

    def _lose(self, worker: _Worker, status: Status, reason: str) -> TaskResult:
        return self._end(worker, Outcome(unmeasured_record(worker.task, status, reason)), True)

    def _end(self, worker: _Worker, outcome: Outcome, lost: bool = False) -> TaskResult:
        """See the process and all that it started off."""
        worker.process.kill()
        worker.process.join()
        reaper.kill_tagged(reaper.WORKER, worker.task.run_id)
        worker.events.close()
        self._workers.remove(worker)
        self._cores.give_back(worker.task.case, worker.task.cores)
        if worker.contended:
            outcome = contended(outcome)
        return TaskResult(worker.task, outcome, lost or outcome.record.run.status == "oom")


def _listen(worker: _Worker, report: Report) -> Outcome | None:
    """Pass on what the worker says, up to its outcome."""
    try:
        while not worker.events.closed and worker.events.poll():
            message = worker.events.recv()
            if isinstance(message, Outcome):
                return message
            report(worker.task, message)
    except (EOFError, OSError):
        worker.events.close()  # nothing more will come; how it ends is seen in a moment
    return None


def resident(pid: int | None) -> int:
    """Bytes of memory that a process and those below it hold; what they share counts for each."""
    total = 0
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        for member in (process, *process.children(recursive=True)):
            with suppress(psutil.Error):
                total += member.memory_info().rss
    return total


def _gib(size: int) -> str:
    return f"{size / 2**30:.3g} GiB"


def _death(exitcode: int | None) -> str:
    if exitcode is None or exitcode >= 0:
        return f"exit code {exitcode}"
    name = signal.Signals(-exitcode).name
    hint = " (by hand, or by the system for want of memory)" if name == "SIGKILL" else ""
    return f"killed by {name}{hint}"
