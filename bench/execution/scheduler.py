"""Run cases: hand them out, store what comes back, and try again.

Where a case runs is the executor's business, and a fault there costs the record
of that case and nothing else; after the measuring it does not even cost that.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from bench.execution.executor import Executor, Slot, TaskResult, keep_measured
from bench.execution.retries import Again, another_attempt
from bench.execution.seeds_together import QueuedCase, other_seeds
from bench.execution.writer import RecordWriter
from bench.measure.messages import Measured, Outcome, Progress, Task, mark_contended, new_task
from bench.plan.cases import expected_cost
from bench.processes import signals
from bench.records import checkpoint_dirs, identity, store
from bench.records.locks import CaseLocks
from bench.records.pending import PendingCases, find_record, unique
from bench.records.schema import Case, Record
from bench.records.store import Stored


class Observer(Protocol):
    """Whoever shows what happens."""

    def begin(self, cases: Sequence[Case]) -> None:
        """Learn what is going to be run."""
        ...

    def started(self, task: Task) -> None:
        """A worker began with a case."""
        ...

    def progress(self, task: Task, progress: Progress) -> None:
        """A worker sent its progress."""
        ...

    def finished(self, record: Record, again: bool) -> None:
        """An attempt at a case ended, well or not; `again` if another one follows."""
        ...

    def locked_elsewhere(self, case: Case) -> None:
        """Another run on the same results folder is running this case."""
        ...

    def finished_elsewhere(self, record: Record) -> None:
        """Another run has finished a case meanwhile."""
        ...


@dataclass(frozen=True)
class RunSummary:
    """How a run ended.

    Attributes:
        stored: the last record of each case, in the order of their ends.
        rescued: another folder, with the records that the results folder did not take.
        lost: how many records could be written to neither.
        left: how many cases were not begun.
        interrupted: somebody asked for an early end.
    """

    stored: Sequence[Stored]
    rescued: Path | None
    lost: int
    left: int
    interrupted: bool


class Scheduler:
    """One run: its cases, the longest first, and a record of each attempt as it ends."""

    def __init__(
        self,
        pending: PendingCases,
        results: Path,
        executor: Executor,
        observer: Observer,
        *,
        retries: int = 0,
        checkpoint_every: int = 0,
        **task_options: Any,
    ) -> None:
        """Start nothing yet.

        Args:
            pending: what to run.
            results: the results folder.
            executor: where the cases run.
            observer: called when something happens, in the thread that calls `run`.
            retries: further attempts at a case that a transient fault has cost.
            checkpoint_every: epochs between a network's checkpoints; 0: none.
            **task_options: of every `Task`: data_dir, supplements, debug.
        """
        self._results, self._executor, self._observer = results, executor, observer
        self._retries, self._checkpoint_every = retries, checkpoint_every
        self._task_options = task_options
        self._queue = sorted(
            map(QueuedCase, unique(pending.todo)), key=lambda queued: -expected_cost(queued.case)
        )
        self._running: dict[str, QueuedCase] = {}
        self._measured: dict[str, dict[str, Measured]] = {}  # of a task, by its cases
        self._contended: set[str] = set()  # tasks that ran beside others, of this run or another
        self._seen = set(pending.seen)
        self._finished = dict(pending.finished)
        self._locks = CaseLocks(results, executor.lock_scope)
        self._writer = RecordWriter(results)
        self._interrupted = threading.Event()

    def run(self) -> RunSummary:
        """Run all cases, and return when all have ended or somebody interrupts."""
        cases = [queued.case for queued in self._queue]
        self._executor.prepare(cases, self._report)
        self._observer.begin(cases)
        with signals.as_event() as self._interrupted, self._locks:
            try:
                while self._has_work() and not self._interrupted.is_set():
                    self._start_cases()
                    if self._locks.held_elsewhere():
                        self._contended |= self._running.keys()
                    for result in self._executor.poll():
                        self._end(result)
            finally:
                if self._interrupted.is_set() or self._running:
                    for result in self._executor.stop():
                        self._end(result)
        rescued = self._writer.rescue()
        return RunSummary(
            list(self._writer.stored.values()),
            rescued,
            lost=len(self._writer.backlog),
            left=len(self._queue),
            interrupted=self._interrupted.is_set(),
        )

    def _has_work(self) -> bool:
        return bool(self._running or (self._queue and not self._writer.backlog))

    def _start_cases(self) -> None:
        """Start what there is room for; nothing while records cannot be written."""
        for queued in () if self._writer.backlog else tuple(self._queue):
            if queued not in self._queue:  # another took it along
                continue
            if (slot := self._executor.find_slot(queued.case)) is None:
                continue
            if self._locks.acquire(queued.key):
                self._queue.remove(queued)
                if not self._take_over(queued):
                    self._start(queued, slot)
            elif not queued.is_locked_elsewhere:
                queued.is_locked_elsewhere = True
                self._observer.locked_elsewhere(queued.case)

    def _take_over(self, queued: QueuedCase) -> bool:
        """Take the record of a case that another run has finished, if there is one."""
        case, hosts = queued.case, self._executor.hosts
        for machine in {host.machine.id for host in hosts}:
            pattern = f"{machine}/{case.dataset}/{case.model}/*.json"
            self._finished.update(store.finished(self._results, pattern, self._seen))
        if (record := find_record(case, hosts, self._finished)) is None:
            return False
        self._writer.stored[queued.key] = record
        self._observer.finished_elsewhere(record.record)
        self._locks.release(queued.key)
        return True

    def _start(self, queued: QueuedCase, slot: Slot) -> None:
        queued.beside = self._take_other_seeds(queued) if slot.takes_several_seeds else []
        checkpoints = checkpoint_dirs.of_case(
            self._results, slot.host, queued.case, 0 if queued.beside else self._checkpoint_every
        )
        task = new_task(
            queued.case,
            slot.host,
            slot.cores,
            **self._task_options,
            checkpoints=checkpoints,
            beside=tuple(other.case for other in queued.beside),
        )
        self._running[task.run_id], queued.address = queued, slot.address
        at_address = {run for run, other in self._running.items() if other.address == slot.address}
        self._contended |= at_address if len(at_address) > 1 else set()
        self._executor.start(task, slot)
        self._observer.started(task)

    def _take_other_seeds(self, leader: QueuedCase) -> list[QueuedCase]:
        """Take from the queue what the worker of `leader` can train in the same program."""
        taken = []
        for queued in other_seeds(leader, self._queue):
            if self._locks.acquire(queued.key):
                self._queue.remove(queued)
                if not self._take_over(queued):
                    taken.append(queued)
        return taken

    def _report(self, task: Task, message: Progress | Measured) -> None:
        if isinstance(message, Measured):
            of_task = self._measured.setdefault(task.run_id, {})
            of_task[identity.digest_case(message.record.case)] = message
        else:
            self._observer.progress(task, message)

    def _end(self, result: TaskResult) -> None:
        """Store the records of an attempt, and queue again what another one may help."""
        run_id = result.task.run_id
        queued = self._running.pop(run_id)
        measured = self._measured.pop(run_id, {})
        if own := measured.get(queued.key):
            result = keep_measured(result, own)
        again = another_attempt(result, queued, self._retries)
        if self._interrupted.is_set():
            again = None
        beside, queued.beside = queued.beside, []
        is_alone = bool(beside) and result.outcome.record.run.status != "ok"
        outcome = self._store(result.outcome, run_id)
        if outcome.record.run.status in ("ok", "diverged") and not self._writer.backlog:
            # Another attempt at any other case goes on where this one stopped.
            checkpoint_dirs.discard(self._results, result.task.host, queued.case)
        self._observer.finished(outcome.record, again is not None)
        for other in beside:
            other.is_alone = is_alone
            if found := measured.get(other.key):
                stored = self._store(Outcome(found.record, found.artifacts), run_id)
                self._observer.finished(stored.record, again=False)
                self._locks.release(other.key)
            else:
                self._queue.insert(0, other)
        if again is None:
            self._locks.release(queued.key)
            return
        queued.is_alone = is_alone
        queued.relocations += again is Again.ELSEWHERE
        queued.failures += again is Again.RETRY
        self._queue.insert(0, queued)

    def _store(self, outcome: Outcome, run_id: str) -> Outcome:
        if run_id in self._contended:
            outcome = mark_contended(outcome)
        self._writer.put(outcome)
        return outcome
