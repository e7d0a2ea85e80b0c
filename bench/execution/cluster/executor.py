"""Run tasks on the machines of a Dask cluster, one at a time on each of its workers.

The queue stays with the scheduler of the suite, and Dask is given only what it can start
at once: so every attempt has a machine, and one that is lost with its machine a record.
"""

import pickle
import queue
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from bench.execution.cluster.remote import Unwanted, measured_variable, run
from bench.execution.cluster.workers import WorkerPool
from bench.execution.cores import cores_for, is_network
from bench.execution.executor import Report, Slot, TaskResult
from bench.measure.messages import Outcome, Progress, Task, make_record
from bench.records.provenance import Provenance
from bench.records.schema import Case, Status
from fmnist_jax.errors import in_one_line

if TYPE_CHECKING:
    from distributed import Client, Future

POLL_S = 0.1
FETCH_S = 10.0  # for an outcome, from a worker that may be dying
STOP_S = 10.0  # for the running cases to end


@dataclass
class _Job:
    """A task at work.

    Attributes:
        task: which one.
        worker: the name of its Dask worker.
        future: what Dask knows of it.
        started: the worker has taken it up.
        ended: nothing of it is left on the worker.
    """

    task: Task
    worker: str
    future: "Future[TaskResult]"
    started: bool = False
    ended: bool = False


class ClusterExecutor:
    """The workers of a Dask cluster, as they come and go."""

    lock_scope = "cluster"  # runs on any cluster share the cases

    def __init__(
        self,
        client: "Client",
        pool: WorkerPool,
        *,
        jobs: int | Literal["auto"] = "auto",
        scale: Callable[[int], None] | None = None,
        **options: Any,
    ) -> None:
        """Start nothing yet.

        Args:
            client: of the cluster.
            pool: its workers.
            jobs: cases side by side at most; auto is as many as there are workers.
            scale: has the cluster grow to so many workers, if it can.
            **options: of the `LocalExecutor` over there, for one case.
        """
        self._client = client
        self._pool = pool
        self._max_jobs = float("inf") if jobs == "auto" else jobs
        self._scale = scale
        self._report: Report = lambda task, message: None
        self._jobs: dict[str, _Job] = {}
        self._events: queue.Queue[tuple[str, str, Any]] = queue.Queue()
        self._topic = f"fmnist-jax-{secrets.token_hex(4)}"
        self._order = pool.results, self._topic, options
        client.subscribe_topic(self._topic, lambda event: self._events.put(event[1]))

    @property
    def hosts(self) -> Sequence[Provenance]:
        """The machines known so far."""
        return [slot.host for slot in self._pool.usable.values()]

    def prepare(self, cases: Sequence[Case], report: Report) -> None:
        """Have the cluster grow to as many workers as the cases can use."""
        self._report = report
        if self._scale and cases:
            self._scale(int(min(len(cases), self._max_jobs)))

    def find_slot(self, case: Case) -> Slot | None:
        """Return an idle worker; one with an accelerator is for networks, if there is a choice."""
        busy = {job.worker for job in self._jobs.values()}
        idle = [slot for name, slot in self._pool.usable.items() if name not in busy]
        if not idle or len(self._jobs) >= self._max_jobs:
            return None
        slot = min(idle, key=lambda slot: slot.host.accelerated != is_network(case))
        return replace(slot, cores=cores_for(case, slot.cores))

    def start(self, task: Task, slot: Slot) -> None:
        """Send a task to the worker of the slot, and to no other."""
        future = self._client.submit(run, task, *self._order, workers=[slot.worker], pure=False)
        future.add_done_callback(lambda _: self._events.put((task.run_id, "done", None)))
        self._jobs[task.run_id] = _Job(task, slot.worker, future)

    def poll(self) -> list[TaskResult]:
        """Wait a moment, report progress, and return which tasks have ended.

        Raises:
            UserError: the cluster's scheduler is gone.
        """
        self._pool.refresh()
        self._read_events()
        return self._collect()

    def stop(self) -> list[TaskResult]:
        """End every task at once, and return when nothing of them is left."""
        results = self._collect()  # work that is done by now is not thrown away
        jobs = tuple(self._jobs.values())
        if jobs and self._client.status == "running":
            self._client.cancel([job.future for job in jobs])
            deadline = time.monotonic() + STOP_S
            while any(job.started > job.ended for job in jobs) and time.monotonic() < deadline:
                self._read_events()
        return results + [self._abort(job, "interrupted", "stopped by a signal") for job in jobs]

    def _read_events(self) -> None:
        with suppress(queue.Empty):
            event = self._events.get(timeout=POLL_S)
            while True:
                run_id, kind, content = event
                if job := self._jobs.get(run_id):  # else it has ended
                    job.started = True
                    job.ended |= kind == "ended"
                    if kind == "progress":
                        self._report(job.task, Progress(**content))
                event = self._events.get_nowait()

    def _collect(self) -> list[TaskResult]:
        results = [self._check(job) for job in tuple(self._jobs.values())]
        return [result for result in results if result]

    def _check(self, job: _Job) -> TaskResult | None:
        """Return the result of a job that has ended, or whose worker is lost."""
        from distributed import CancelledError, KilledWorker

        status = job.future.status
        if status == "error":
            error = job.future.exception()
            if not isinstance(error, Unwanted | KilledWorker):
                return self._abort(job, "failed", f"the worker failed: {in_one_line(error)}")
        elif status == "finished":
            # Without an answer its worker has died with the outcome, which is seen in a moment.
            with suppress(TimeoutError, OSError, CancelledError):
                return self._end(job, job.future.result(timeout=FETCH_S))
        if job.worker in self._pool.usable and status in ("pending", "finished"):
            return None
        return self._abort(job, "failed", "its worker was lost", worker_lost=True)

    def _abort(
        self, job: _Job, status: Status, reason: str, worker_lost: bool = False
    ) -> TaskResult:
        outcome = Outcome(make_record(job.task, status, reason))
        if self._client.status == "running":
            with suppress(TimeoutError, OSError):
                variable = measured_variable(job.task.run_id, self._client)
                self._report(job.task, pickle.loads(variable.get(timeout=POLL_S)))
        return self._end(job, TaskResult(job.task, outcome, True, worker_lost))

    def _end(self, job: _Job, result: TaskResult) -> TaskResult:
        from distributed.client import ClosedClientError

        with suppress(ClosedClientError):  # the scheduler is lost, and its tasks with it
            job.future.cancel()  # a pinned task would wait for its worker to come back
            measured_variable(job.task.run_id, self._client).delete()
        del self._jobs[job.task.run_id]
        return result
