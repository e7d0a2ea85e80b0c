"""Where cases run, as the runner's loop sees it.

The loop knows which case is next, what is stored and what is tried again; an
executor knows where there is room, starts tasks, and says how each ended.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from bench.job import Outcome, Progress, Task
from bench.record import Case

Report = Callable[[Task, Progress], None]


@dataclass(frozen=True)
class Ended:
    """How a task ended.

    Attributes:
        task: which one.
        outcome: its record, and what belongs to it.
        transient: the fault lies with the circumstances, so another attempt may succeed.
    """

    task: Task
    outcome: Outcome
    transient: bool = False


class Executor(Protocol):
    """Runs tasks somewhere, several at a time."""

    @property
    def at_work(self) -> Sequence[Task]:
        """The tasks that were started and have not ended."""
        ...

    def room(self, case: Case) -> tuple[int, ...] | None:
        """The cores that `case` would get now; None where it has to wait."""
        ...

    def start(self, task: Task) -> None:
        """Begin with a task for which there is room."""
        ...

    def poll(self, report: Report) -> list[Ended]:
        """Wait a moment, report progress, and say which tasks have ended."""
        ...

    def stop(self) -> list[Ended]:
        """End every task at once, and return when nothing of them is left."""
        ...
