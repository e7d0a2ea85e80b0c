"""Tasks on the machines of a Dask cluster, one at a time on each of its workers.

The queue stays with the runner's loop, and Dask is given only what it can start at
once: so every attempt has a machine, and one that is lost with its machine a record.
"""

import queue
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from bench.execution.cluster import remote as node
from bench.execution.cluster.workers import Crew, Seat
from bench.execution.cores import cores_for
from bench.execution.executor import Report, Slot, TaskResult
from bench.measure.measure import execute
from bench.measure.messages import Outcome, Progress, Task, contended, unmeasured_record
from bench.processes.child import Execute
from bench.records.provenance import Provenance
from bench.records.schema import Case, Status

if TYPE_CHECKING:
    from distributed import Client, Future

SITE = "cluster"
POLL_S = 0.1
FETCH_S = 10.0  # for an outcome, from a worker that may be dying
STOP_S = 10.0  # for the cases at work to end


@dataclass
class _Job:
    """A task at work.

    Attributes:
        task: which one.
        seat: where.
        future: what Dask knows of it.
        begun: the worker has taken it up.
        over: nothing of it is left on the worker.
        contended: other work ran on the same machine.
    """

    task: Task
    seat: Seat
    future: "Future[TaskResult]"
    begun: bool = False
    over: bool = False
    contended: bool = False


class ClusterExecutor:
    """The workers of a Dask cluster, as they come and go."""

    def __init__(
        self,
        client: "Client",
        crew: Crew,
        *,
        jobs: int | Literal["auto"] = "auto",
        timeout: float | None = None,
        memory_limit: int | None = None,
        execute: Execute = execute,
        scale: Callable[[int], None] | None = None,
    ) -> None:
        """Start nothing yet.

        Args:
            client: of the cluster.
            crew: the workers.
            jobs: cases side by side at most; auto is as many as there are workers.
            timeout: seconds after which a task is stopped.
            memory_limit: bytes that a case may hold, resident.
            execute: what is done with a case; it must be importable by name over there.
            scale: has the cluster grow to so many workers, if it can.
        """
        self._client = client
        self._crew = crew
        self._most = jobs
        self._scale = scale
        self._limits = timeout, memory_limit, execute
        self._jobs: dict[str, _Job] = {}
        self._news: queue.Queue[tuple[str, str, Any]] = queue.Queue()
        self._topic = f"fmnist-jax-{secrets.token_hex(4)}"
        client.subscribe_topic(self._topic, lambda event: self._news.put(event[1]))

    @property
    def lock_scope(self) -> str:
        """Any cluster, as far as other runs are concerned."""
        return SITE

    @property
    def hosts(self) -> Sequence[Provenance]:
        """The machines known so far."""
        return [seat.place.host for seat in self._crew.seats.values()]

    @property
    def running(self) -> Sequence[Task]:
        """The tasks that were started and have not ended."""
        return [job.task for job in self._jobs.values()]

    def prepare(self, cases: Sequence[Case]) -> None:
        """Have the cluster grow to as many workers as the cases can use."""
        if self._scale and cases:
            self._scale(len(cases) if self._most == "auto" else min(len(cases), self._most))

    def find_slot(self, case: Case) -> Slot | None:
        """An idle worker; one with an accelerator is for networks, if there is a choice."""
        busy = {job.seat.place.worker for job in self._jobs.values()}
        idle = [seat.place for name, seat in self._crew.seats.items() if name not in busy]
        if not idle or (self._most != "auto" and len(self._jobs) >= self._most):
            return None
        place = min(idle, key=lambda place: place.host.accelerated != (case.kind == "flax"))
        return replace(place, cores=cores_for(case, place.cores))

    def start(self, task: Task, place: Slot) -> None:
        """Send a task to the worker at `place`, and to no other."""
        seat = self._crew.seats[place.worker]
        if not seat.shares_results:
            task = replace(task, checkpoints=None)
        future = self._client.submit(
            node.run, node.Order(task, *self._limits), self._topic,
            workers=[place.worker], pure=False,
        )  # fmt: skip
        future.add_done_callback(lambda _: self._news.put((task.run_id, "done", None)))
        self._jobs[task.run_id] = _Job(task, seat, future)
        together = [job for job in self._jobs.values() if job.seat.address == seat.address]
        if len(together) > 1:
            for job in together:
                job.contended = True

    def poll(self, report: Report) -> list[TaskResult]:
        """Wait a moment, report progress, and say which tasks have ended.

        Raises:
            UserError: the cluster's scheduler is gone.
        """
        self._crew.look()
        self._listen(report)
        return self._finished()

    def stop(self) -> list[TaskResult]:
        """End every task at once, and return when nothing of them is left."""
        ended = self._finished()  # work that is done in this very moment is not thrown away
        jobs = tuple(self._jobs.values())
        if jobs and self._client.status == "running":
            self._client.cancel([job.future for job in jobs])
            deadline = time.monotonic() + STOP_S
            while any(job.begun and not job.over for job in jobs) and time.monotonic() < deadline:
                self._listen(lambda *_: None)
        return ended + [self._lose(job, "interrupted", "interrupted by hand") for job in jobs]

    def _listen(self, report: Report) -> None:
        patience = POLL_S
        while True:
            try:
                run_id, what, content = self._news.get(timeout=patience)
            except queue.Empty:
                return
            patience = 0.0
            if job := self._jobs.get(run_id):  # else its last words, after its outcome
                job.begun = True
                job.over |= what == "over"
                if what == "progress":
                    report(job.task, Progress(**content))

    def _finished(self) -> list[TaskResult]:
        return [ended for job in tuple(self._jobs.values()) if (ended := self._look(job))]

    def _look(self, job: _Job) -> TaskResult | None:
        from distributed import CancelledError, KilledWorker

        future = job.future
        if future.status == "error":
            error = future.exception()
            if not isinstance(error, node.Unwanted | KilledWorker):
                return self._lose(job, "failed", f"the worker failed: {_said(error)}")
        elif future.status == "finished":
            # Without an answer its worker has died with the outcome, which is seen in a moment.
            with suppress(TimeoutError, OSError, CancelledError):
                return self._end(job, future.result(timeout=FETCH_S))
        if job.seat.place.worker in self._crew.seats and future.status in ("pending", "finished"):
            return None
        return self._lose(job, "failed", "its worker was lost", True)

    def _lose(
        self, job: _Job, status: Status, reason: str, worker_lost: bool = False
    ) -> TaskResult:
        outcome = Outcome(unmeasured_record(job.task, status, reason))
        return self._end(
            job, TaskResult(job.task, outcome, retryable=True, worker_lost=worker_lost)
        )

    def _end(self, job: _Job, ended: TaskResult) -> TaskResult:
        job.future.cancel()  # a pinned task would wait for its worker to come back
        del self._jobs[job.task.run_id]
        return replace(ended, outcome=contended(ended.outcome)) if job.contended else ended


def _said(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())
