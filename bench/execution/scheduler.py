"""Cases become records: the loop that hands them out, stores what comes back and tries again.

Where a case runs is the executor's business, and a fault there costs the record
of that case and nothing else.
"""

import logging
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, Protocol

from bench.execution.cores import expected_cost
from bench.execution.executor import Executor, Slot, TaskResult
from bench.measure.messages import Outcome, Progress, Task, contended, new_task
from bench.processes import signals
from bench.records import checkpoint_dirs as checkpoints
from bench.records import identity, store
from bench.records.locks import CaseLocks
from bench.records.provenance import Provenance
from bench.records.schema import Case, Record
from bench.records.store import Stored
from fmnist_jax.errors import UserError

MAX_RELOCATIONS = (
    3  # attempts elsewhere at a case whose machine was lost; it may be what brings them down
)
log = logging.getLogger("fmnist_jax")


class Observer(Protocol):
    """Whoever shows what happens."""

    def started(self, task: Task) -> None:
        """A worker took up a case."""
        ...

    def progress(self, task: Task, progress: Progress) -> None:
        """A worker gave a sign of life."""
        ...

    def finished(self, record: Record, again: bool) -> None:
        """An attempt at a case ended, well or not; `again` if another one follows."""
        ...

    def taken(self, case: Case) -> None:
        """Another run on the same results folder is at this case."""
        ...

    def found(self, record: Record) -> None:
        """Another run has finished a case meanwhile."""
        ...


class PendingCases(NamedTuple):
    """What a results folder leaves to be done.

    Attributes:
        todo: cases still to run.
        done: records that make the others unnecessary.
        seen: the files that were looked at.
        finished: what else is finished there, for machines that are yet to come.
    """

    todo: list[Case]
    done: list[Stored]
    seen: set[Path]
    finished: dict[str, Stored]


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

    stored: list[Stored]
    rescued: Path | None
    lost: int
    left: int
    interrupted: bool


@dataclass
class QueuedCase:
    """A case in the queue, and what became of it so far."""

    case: Case
    failures: int = 0
    moves: int = 0
    taken: bool = False

    @property
    def key(self) -> str:
        """What tells it from the other cases of the run."""
        return identity.digest_case(self.case)


@dataclass
class RecordWriter:
    """The records of this run; one that cannot be written is kept to be tried again."""

    results: Path
    stored: dict[str, Stored] = field(default_factory=dict)
    backlog: list[Outcome] = field(default_factory=list)

    def put(self, outcome: Outcome) -> None:
        """Store a record, and those that have been waiting."""
        self.backlog.append(outcome)
        try:
            self._clear()
        except UserError as error:
            if len(self.backlog) == 1:
                log.warning("%s; no further case is begun until that is mended", error)

    def rescue(self) -> Path | None:
        """Write what is still waiting to a folder for temporary files, and say to which."""
        with suppress(UserError, OSError):
            if self.backlog:
                self.results = Path(tempfile.mkdtemp(prefix="fmnist-jax-results-"))
                self._clear()
                return self.results
        return None

    def _clear(self) -> None:
        while self.backlog:
            record = self.backlog[0].record
            written = store.write(self.results, record, self.backlog[0].artifacts)
            key = identity.digest_case(record.case)
            self.stored.pop(key, None)  # an attempt before
            self.stored[key] = written
            self.backlog.pop(0)


def pending(
    cases: Sequence[Case], hosts: Sequence[Provenance], results: Path, fresh: bool = False
) -> PendingCases:
    """Tell what one of `hosts` has finished from what is to be run, which is all if `fresh`."""
    seen: set[Path] = set()
    finished = store.finished(results, seen=seen)
    if fresh:
        finished = {}
    todo, done = [], []
    for case in cases:
        if found := _by_any(hosts, case, finished):
            done.append(found)
        else:
            todo.append(case)
    return PendingCases(todo, done, seen, finished)


def _by_any(
    hosts: Sequence[Provenance], case: Case, finished: Mapping[str, Stored]
) -> Stored | None:
    """The finished record of `case` on one of the machines."""
    keys = (identity.digest_run(case, host) for host in hosts)
    return next((finished[key] for key in keys if key in finished), None)


def run(
    cases: Sequence[Case],
    results: Path,
    observer: Observer,
    executor: Executor,
    *,
    seen: set[Path],
    finished: Mapping[str, Stored] = MappingProxyType({}),
    retries: int = 0,
    data_dir: Path | None = None,
    checkpoint_every: int = 0,
    debug: bool = False,
) -> RunSummary:
    """Run all cases, the longest first, and store a record of each attempt as it ends.

    Args:
        cases: what to run.
        results: the results folder.
        observer: is told what happens, in this thread.
        executor: where the cases run.
        seen: record files that leave the cases to be done, as `pending` says; a finished
            record that is not among them is another run's, and taken over.
        finished: records that count, too, should one of their machines join meanwhile.
        retries: further attempts at a case that a transient fault has cost.
        data_dir: as given on the command line, for the machine that runs a case.
        checkpoint_every: epochs between a network's checkpoints; 0: none.
        debug: workers print tracebacks.
    """
    queue = [QueuedCase(case) for case in sorted(cases, key=lambda case: -expected_cost(case))]
    working: dict[str, QueuedCase] = {}
    beside: set[str] = set()  # tasks that ran beside another run's
    known = dict(finished)  # with what other runs finish meanwhile
    shelf = RecordWriter(results)

    def begin(entry: QueuedCase, place: Slot) -> None:
        kept = checkpoints.of_case(results, place.host, entry.case, checkpoint_every)
        task = new_task(
            entry.case, place.host, place.cores, data_dir=data_dir, debug=debug, checkpoints=kept
        )
        working[task.run_id] = entry
        executor.start(task, place)
        observer.started(task)

    def end(ended: TaskResult) -> None:
        entry = working.pop(ended.task.run_id)
        moves = ended.worker_lost and entry.moves < MAX_RELOCATIONS
        again = moves or (ended.retryable and entry.failures < retries)
        again = again and not interrupted.is_set()
        outcome = ended.outcome
        if ended.task.run_id in beside:
            outcome = contended(outcome)
        shelf.put(outcome)
        if outcome.record.run.status in ("ok", "diverged") and not shelf.backlog:
            # The others may go on where they stopped.
            checkpoints.discard(results, ended.task.host, entry.case)
        observer.finished(outcome.record, again)
        if again:
            entry.moves += moves
            entry.failures += not moves
            queue.insert(0, entry)
        else:
            claims.release(entry.key)

    def found(entry: QueuedCase) -> bool:
        case = entry.case
        for machine in {host.machine.id for host in executor.hosts}:
            folder = f"{machine}/{case.dataset}/{case.model}/*.json"
            known.update(store.finished(results, folder, seen))
        if (done := _by_any(executor.hosts, case, known)) is None:
            return False
        shelf.stored[entry.key] = done
        observer.found(done.record)
        claims.release(entry.key)
        return True

    executor.prepare(cases)
    with signals.as_event() as interrupted, CaseLocks(results, executor.lock_scope) as claims:
        try:
            while (queue and not shelf.backlog) or executor.running:
                if interrupted.is_set():
                    break
                for entry in () if shelf.backlog else tuple(queue):
                    if (place := executor.find_slot(entry.case)) is None:
                        continue
                    if claims.acquire(entry.key):
                        queue.remove(entry)
                        if not found(entry):
                            begin(entry, place)
                    elif not entry.taken:
                        entry.taken = True
                        observer.taken(entry.case)
                if claims.held_elsewhere():
                    beside |= working.keys()
                for ended in executor.poll(observer.progress):
                    end(ended)
        finally:
            for ended in executor.stop():
                end(ended)
    rescued = shelf.rescue()
    stored = list(shelf.stored.values())
    return RunSummary(stored, rescued, len(shelf.backlog), len(queue), interrupted.is_set())
