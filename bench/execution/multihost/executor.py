"""Run one case at a time on the devices of all hosts; the executor of process 0."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from bench.execution.executor import Report, Slot, TaskResult
from bench.execution.multihost.worker import HostLost, Worker, start_worker
from bench.measure.hosts import Member, add_up
from bench.measure.measure import measure
from bench.measure.messages import Execute, Outcome, Task, make_record
from bench.records.schema import Case
from fmnist_jax.system.child import Returned

POLL_S = 0.1


@contextmanager
def connect(
    member: Member, timeout: float | None = None, execute: Execute = measure
) -> Iterator["MultihostExecutor"]:
    """Yield the executor of process 0 when all processes have joined.

    Args:
        member: process 0.
        timeout: seconds after which a case is stopped.
        execute: what the workers do with a case.

    Raises:
        UserError: the processes do not all join, or are not alike.
        HostLost: a worker was lost.
    """
    with start_worker(member, execute) as worker:
        executor = MultihostExecutor(worker, member, timeout)
        yield executor
        executor.finish()


class MultihostExecutor:
    """The workers of all hosts, as one machine."""

    def __init__(self, worker: Worker, member: Member, timeout: float | None) -> None:
        """Start nothing yet; the arguments are those of `connect`."""
        machine = add_up([host.machine for host in worker.hosts])
        self.hosts = [member.host.model_copy(update={"machine": machine})]
        self.lock_scope = machine.id
        self._worker, self._cores, self._timeout = worker, member.cores, timeout
        self._task: Task | None = None
        self._report: Report = lambda task, message: None
        self._started_at = 0.0
        self._loss: HostLost | None = None
        self._stopped = False

    def prepare(self, cases: Sequence[Case], report: Report) -> None:
        """Divide nothing: each case gets all devices."""
        self._report = report

    def find_slot(self, case: Case) -> Slot | None:
        """Return all cores, or None while a case is at work.

        Raises:
            HostLost: no case can run any more.
        """
        if self._loss:
            raise self._loss
        return None if self._task else Slot(self.hosts[0], self._cores)

    def start(self, task: Task, slot: Slot) -> None:
        """Have all workers train the case."""
        self._task, self._started_at = task, time.monotonic()
        self._worker.send(task)

    def poll(self) -> list[TaskResult]:
        """Wait a moment, report what the worker sent, and return the task if it has ended."""
        try:
            message = self._worker.receive(POLL_S)
        except TimeoutError:
            return self._check_limit()
        except HostLost as loss:
            return self._lose(loss)
        if isinstance(message, Outcome):
            return self._end(message)
        if self._task:
            self._report(self._task, message)
        return []

    def stop(self) -> list[TaskResult]:
        """End the run on every host, as interrupted."""
        self._stopped = True
        self._worker.interrupt()
        return self._lose(HostLost("stopped by a signal", "interrupted"))

    def finish(self) -> None:
        """Have the other processes exit, unless they were stopped.

        Raises:
            HostLost: they are gone already.
        """
        if self._stopped:
            return
        if self._loss:
            raise self._loss
        self._worker.send(None)
        while not isinstance(self._worker.receive(), Returned):
            pass

    def _check_limit(self) -> list[TaskResult]:
        if self._task and self._timeout and time.monotonic() > self._started_at + self._timeout:
            reason = f"stopped after {self._timeout:g} s; allow more with --timeout"
            return self._lose(HostLost(reason, "timeout"))
        return []

    def _lose(self, loss: HostLost) -> list[TaskResult]:
        self._loss = loss
        self._worker.kill()
        task = self._task
        return self._end(Outcome(make_record(task, loss.status, loss.reason))) if task else []

    def _end(self, outcome: Outcome) -> list[TaskResult]:
        task, self._task = self._task, None
        return [TaskResult(task, outcome)] if task else []
