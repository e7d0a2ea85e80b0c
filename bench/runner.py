"""Cases become records: the loop that hands them out, stores what comes back and tries again.

Where a case runs is the executor's business, and a fault there costs the record
of that case and nothing else.
"""

import logging
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

from bench import checkpoints, interrupts, store
from bench.claims import Claims
from bench.executor import Ended, Executor
from bench.job import Outcome, Progress, Task, new_task
from bench.machine import Host
from bench.packing import expected_cost
from bench.record import Case, Record
from bench.store import Identity, Stored
from fmnist_jax.errors import UserError

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


class Pending(NamedTuple):
    """What a results folder leaves to be done.

    Attributes:
        todo: cases still to run.
        done: records that make the others unnecessary.
        seen: the files that were looked at.
    """

    todo: list[Case]
    done: list[Stored]
    seen: set[Path]


@dataclass(frozen=True)
class Finish:
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
class _Entry:
    """A case in the queue, and what became of it so far."""

    case: Case
    key: Identity
    failures: int = 0
    taken: bool = False


@dataclass
class _Shelf:
    """The records of this run; one that cannot be written is kept to be tried again."""

    results: Path
    stored: dict[Identity, Stored] = field(default_factory=dict)
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
            self.stored.pop(store.identity(record), None)  # an attempt before
            self.stored[store.identity(record)] = written
            self.backlog.pop(0)


def pending(cases: Sequence[Case], host: Host, results: Path, fresh: bool = False) -> Pending:
    """Tell finished cases from those still to run, which are all if `fresh`."""
    seen: set[Path] = set()
    finished = store.finished(results, seen=seen)
    todo, done = [], []
    for case in cases:
        found = finished.get(store.identity_of(case, host.machine, host.software))
        if found and not fresh:
            done.append(found)
        else:
            todo.append(case)
    return Pending(todo, done, seen)


def run(
    cases: Sequence[Case],
    host: Host,
    results: Path,
    observer: Observer,
    executor: Executor,
    *,
    seen: set[Path],
    retries: int = 0,
    data_dir: Path | None = None,
    checkpoint_every: int = 0,
    debug: bool = False,
) -> Finish:
    """Run all cases, the longest first, and store a record of each attempt as it ends.

    Args:
        cases: what to run.
        host: the fingerprint that goes into every record.
        results: the results folder.
        observer: is told what happens, in this thread.
        executor: where the cases run.
        seen: record files that leave the cases to be done, as `pending` says; a finished
            record that is not among them is another run's, and taken over.
        retries: further attempts at a case that a transient fault has cost.
        data_dir: as given on the command line.
        checkpoint_every: epochs between a network's checkpoints; 0: none.
        debug: workers print tracebacks.
    """
    entries = [_Entry(case, store.identity_of(case, host.machine, host.software)) for case in cases]
    queue = sorted(entries, key=lambda entry: -expected_cost(entry.case))
    working: dict[str, _Entry] = {}
    beside: set[str] = set()  # tasks that ran beside another run's
    news: dict[Identity, Stored] = {}  # what other runs have finished meanwhile
    shelf = _Shelf(results)

    def begin(entry: _Entry, cores: tuple[int, ...]) -> None:
        kept = checkpoints.of_case(results, host, entry.case, checkpoint_every)
        task = new_task(entry.case, host, cores, data_dir=data_dir, debug=debug, checkpoints=kept)
        working[task.run_id] = entry
        executor.start(task)
        observer.started(task)

    def end(ended: Ended) -> None:
        entry = working.pop(ended.task.run_id)
        again = ended.transient and entry.failures < retries and not interrupted.is_set()
        outcome = ended.outcome
        if ended.task.run_id in beside:
            outcome = _contended(outcome)
        shelf.put(outcome)
        if outcome.record.run.status in ("ok", "diverged") and not shelf.backlog:
            checkpoints.discard(results, host, entry.case)  # others may go on where they stopped
        observer.finished(outcome.record, again)
        if again:
            entry.failures += 1
            queue.insert(0, entry)
        else:
            claims.release(entry.key)

    def found(entry: _Entry) -> bool:
        case = entry.case
        folder = f"{host.machine.id}/{case.dataset}/{case.model}/*.json"
        news.update(store.finished(results, folder, seen))
        if entry.key not in news:
            return False
        shelf.stored[entry.key] = news[entry.key]
        observer.found(news[entry.key].record)
        claims.release(entry.key)
        return True

    with interrupts.interruptible() as interrupted, Claims(results, host.machine.id) as claims:
        try:
            while (queue and not shelf.backlog) or executor.at_work:
                if interrupted.is_set():
                    break
                for entry in () if shelf.backlog else tuple(queue):
                    if (cores := executor.room(entry.case)) is None:
                        continue
                    if claims.take(entry.key):
                        queue.remove(entry)
                        if not found(entry):
                            begin(entry, cores)
                    elif not entry.taken:
                        entry.taken = True
                        observer.taken(entry.case)
                if claims.others():
                    beside |= working.keys()
                for ended in executor.poll(observer.progress):
                    end(ended)
        finally:
            for ended in executor.stop():
                end(ended)
    rescued = shelf.rescue()
    stored = list(shelf.stored.values())
    return Finish(stored, rescued, len(shelf.backlog), len(queue), interrupted.is_set())


def _contended(outcome: Outcome) -> Outcome:
    run = outcome.record.run.model_copy(update={"contended": True})
    return Outcome(outcome.record.model_copy(update={"run": run}), outcome.artifacts)
