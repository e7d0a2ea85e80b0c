"""Where cases run, as the runner's loop sees it.

The loop knows which case is next, what is stored and what is tried again; an
executor knows where there is room, starts tasks, and says how each ended.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from bench.measure.messages import Outcome, Progress, Task
from bench.records.provenance import Provenance
from bench.records.schema import Case

Report = Callable[[Task, Progress], None]


@dataclass(frozen=True)
class Slot:
    """Room for a case.

    Attributes:
        host: the machine, for the record.
        cores: the CPUs that the case would get there.
        worker: which of an executor's workers, where it has several.
    """

    host: Provenance
    cores: tuple[int, ...]
    worker: str = ""


@dataclass(frozen=True)
class TaskResult:
    """How a task ended.

    Attributes:
        task: which one.
        outcome: its record, and what belongs to it.
        transient: the fault lies with the circumstances, so another attempt may succeed.
        displaced: its machine is lost, and it can go on elsewhere.
    """

    task: Task
    outcome: Outcome
    retryable: bool = False
    worker_lost: bool = False


class Executor(Protocol):
    """Runs tasks somewhere, several at a time."""

    @property
    def lock_scope(self) -> str:
        """What it shares with the executors of other runs; the claims on cases are made for it."""
        ...

    @property
    def hosts(self) -> Sequence[Provenance]:
        """The machines known so far; what one of them has finished need not be run again."""
        ...

    @property
    def running(self) -> Sequence[Task]:
        """The tasks that were started and have not ended."""
        ...

    def prepare(self, cases: Sequence[Case]) -> None:
        """Told once what is going to be run."""
        ...

    def find_slot(self, case: Case) -> Slot | None:
        """Where `case` could run now; None where it has to wait."""
        ...

    def start(self, task: Task, place: Slot) -> None:
        """Begin with a task at a place for which there was room just now."""
        ...

    def poll(self, report: Report) -> list[TaskResult]:
        """Wait a moment, report progress, and say which tasks have ended."""
        ...

    def stop(self) -> list[TaskResult]:
        """End every task at once, and return when nothing of them is left."""
        ...
