"""Where cases run, as the scheduler sees it.

The scheduler knows which case is next, what is stored and what is tried again; an
executor knows where there is room, starts tasks, and says how each ended.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from bench.measure.messages import Measured, Outcome, Progress, Task
from bench.records.provenance import Provenance
from bench.records.schema import Case

log = logging.getLogger("fmnist_jax")

Report = Callable[[Task, Progress | Measured], None]
"""A function that takes what a worker sends, in the thread that calls the executor."""


@dataclass(frozen=True)
class Slot:
    """Room for a case.

    Attributes:
        host: the machine, for the record.
        cores: the CPUs that the case would get there.
        worker: which of an executor's workers, where it has several.
        address: of the machine; cases side by side at one address are contended.
        takes_several_seeds: its worker can train seeds together and report on each.
    """

    host: Provenance
    cores: tuple[int, ...]
    worker: str = ""
    address: str = ""
    takes_several_seeds: bool = False


@dataclass(frozen=True)
class TaskResult:
    """How a task ended.

    Attributes:
        task: which one.
        outcome: its record, and what belongs to it.
        retryable: the fault lies with the circumstances, so another attempt may succeed.
        worker_lost: its machine is lost, and the case can be run elsewhere.
    """

    task: Task
    outcome: Outcome
    retryable: bool = False
    worker_lost: bool = False


def keep_measured(result: TaskResult, measured: Measured) -> TaskResult:
    """Return the result of a task that went wrong after the measuring as one that is ok."""
    if result.outcome.record.run.status == "ok":
        return result
    model, reason = result.task.case.model, result.outcome.record.run.error
    log.warning("%s was measured, but its pictures and explanations are missing: %s", model, reason)
    return TaskResult(result.task, Outcome(measured.record, measured.artifacts))


class Executor(Protocol):
    """Runs tasks somewhere, several at a time.

    Attributes:
        lock_scope: runs of the same scope share the cases of a results folder among them.
    """

    lock_scope: str

    @property
    def hosts(self) -> Sequence[Provenance]:
        """The machines known so far; what one of them has finished need not be run again."""
        ...

    def prepare(self, cases: Sequence[Case], report: Report) -> None:
        """Learn what is going to be run, and what takes the messages of the workers."""
        ...

    def find_slot(self, case: Case) -> Slot | None:
        """Return where `case` could run now; None where it has to wait."""
        ...

    def start(self, task: Task, slot: Slot) -> None:
        """Start a task in the slot that was found for it just now."""
        ...

    def poll(self) -> list[TaskResult]:
        """Wait a moment, report what the workers sent, and return which tasks have ended."""
        ...

    def stop(self) -> list[TaskResult]:
        """End every task at once, and return when nothing of them is left; start no more."""
        ...
