"""Run tasks in processes of this machine, each supervised, on cores of its own.

A process that raises, hangs, dies or takes too much memory costs its own record
and nothing else.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import wait
from typing import Literal

from bench.execution.cores import Cores
from bench.execution.executor import Report, Slot, TaskResult
from bench.measure.measure import execute
from bench.measure.messages import Execute, Outcome, Task, make_record
from bench.records.provenance import Provenance
from bench.records.schema import Case, Status
from fmnist_jax.system.child import Child, ChildDied, ChildRaised, Returned
from fmnist_jax.system.memory import resident, show_bytes

POLL_S = 0.1
MEMORY_POLL_S = 0.5  # between two looks at the memory of a worker


@dataclass
class _Worker:
    """A process and its task.

    Attributes:
        task: what it does.
        child: the process.
        started_at: on the monotonic clock.
        memory_checked_at: likewise.
    """

    task: Task
    child: Child
    started_at: float
    memory_checked_at: float = 0.0


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
        self.hosts, self.lock_scope = [host], host.machine.id
        self._divide = partial(Cores, tuple(cores), host=host, jobs=jobs)
        self._cores = self._divide([])
        self._report: Report = lambda task, message: None
        self._timeout = timeout
        self._memory_limit = memory_limit
        self._execute = execute
        self._workers: list[_Worker] = []

    def prepare(self, cases: Sequence[Case], report: Report) -> None:
        """Divide the cores among the cases."""
        self._cores = self._divide(cases)
        self._report = report

    def find_slot(self, case: Case) -> Slot | None:
        """Return the cores that `case` would get now; None where it has to wait."""
        cores = self._cores.find_slot(case)
        return None if cores is None else Slot(self._host, cores, takes_several_seeds=True)

    def start(self, task: Task, slot: Slot) -> None:
        """Start a process for the task."""
        child = Child(self._execute, task)
        self._cores.take(task.case, slot.cores)
        self._workers.append(_Worker(task, child, time.monotonic()))

    def poll(self) -> list[TaskResult]:
        """Wait a moment, report what the workers sent, and return which tasks have ended."""
        wait([news for worker in self._workers for news in worker.child.waitables], POLL_S)
        return self._collect()

    def stop(self) -> list[TaskResult]:
        """End every task at once, and return when nothing of them is left."""
        finished = self._collect()  # work that is done by now is not thrown away
        reason = "stopped by a signal"
        return finished + [self._abort(w, "interrupted", reason) for w in tuple(self._workers)]

    def _collect(self) -> list[TaskResult]:
        results = [self._check(worker) for worker in tuple(self._workers)]
        return [result for result in results if result]

    def _check(self, worker: _Worker) -> TaskResult | None:
        """Read what a worker has sent; return its result if the task has ended."""
        try:
            while not isinstance(message := worker.child.receive(timeout=0), Returned):
                self._report(worker.task, message)
        except TimeoutError:
            return self._check_limits(worker)
        except ChildRaised as error:
            return self._abort(worker, "failed", f"the worker failed: {error}", retryable=False)
        except ChildDied as error:
            return self._abort(worker, "failed", f"the worker process died: {error}")
        outcome: Outcome = message.value
        return self._end(worker, outcome, retryable=outcome.record.run.status == "oom")

    def _check_limits(self, worker: _Worker) -> TaskResult | None:
        now = time.monotonic()
        if self._timeout and now > worker.started_at + self._timeout:
            reason = f"stopped after {self._timeout:g} s; allow more with --timeout"
            return self._abort(worker, "timeout", reason)
        if self._memory_limit and now > worker.memory_checked_at + MEMORY_POLL_S:
            worker.memory_checked_at = now
            if (size := resident(worker.child.pid)) > self._memory_limit:
                reason = (
                    f"stopped at {show_bytes(size)} of memory, over the limit of "
                    f"{show_bytes(self._memory_limit)}; allow more with --set memory_limit=SIZE"
                )
                return self._abort(worker, "oom", reason)
        return None

    def _abort(
        self, worker: _Worker, status: Status, reason: str, retryable: bool = True
    ) -> TaskResult:
        outcome = Outcome(make_record(worker.task, status, reason))
        return self._end(worker, outcome, retryable)

    def _end(self, worker: _Worker, outcome: Outcome, retryable: bool) -> TaskResult:
        """Kill the process and all that it started, and free its cores."""
        worker.child.kill()
        self._workers.remove(worker)
        self._cores.give_back(worker.task.case, worker.task.cores)
        return TaskResult(worker.task, outcome, retryable)
