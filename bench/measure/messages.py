"""What passes between the runner and its workers: a task out, progress and an outcome back."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.records.provenance import Provenance
from bench.records.schema import Case, Record, Run, Status, Target

if TYPE_CHECKING:
    from fmnist_jax.history import Checkpoints

TARGET_METRIC = "validation_accuracy"


@dataclass(frozen=True)
class Task:
    """A case with everything a worker needs to run it.

    Attributes:
        case: what to run.
        host: where, for the record.
        run_id: names the record.
        started: when the runner handed it out.
        cores: the CPUs this worker may use.
        data_dir: as given on the command line.
        supplements: add robustness, explanations and pictures to the record.
        debug: print tracebacks.
        checkpoints: of a network that is to have some.
        process_id: of several processes that train together; only process 0 measures.
        beside: cases of other seeds, to be trained in the same program and measured likewise.
    """

    case: Case
    host: Provenance
    run_id: str
    started: datetime
    cores: tuple[int, ...]
    data_dir: Path | None = None
    supplements: bool = True
    debug: bool = False
    checkpoints: "Checkpoints | None" = None
    process_id: int = 0
    beside: tuple[Case, ...] = ()

    def for_seed(self, case: Case) -> "Task":
        """Return the task of a case in `beside`, with a name of its own."""
        others = tuple(each for each in (self.case, *self.beside) if each != case)
        return replace(self, case=case, beside=others, run_id=_new_id())


@dataclass(frozen=True)
class Progress:
    """A sign of life from a worker; what is not known yet is None."""

    phase: str
    epoch: int | None = None
    epochs: int | None = None
    loss: float | None = None
    accuracy: float | None = None
    images_per_s: float | None = None
    message: str | None = None


Artifacts = dict[str, tuple[str, bytes]]
"""The files that belong to a record: name -> (kind, content)."""


@dataclass(frozen=True)
class Measured:
    """The complete record of a case, sent as soon as the measuring is over.

    Attributes:
        record: what `Outcome` will hold, without explanations.
        artifacts: those that the numbers come from: predictions and weights.
    """

    record: Record
    artifacts: Artifacts = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What is left of a task: its record and all of its artefacts."""

    record: Record
    artifacts: Artifacts = field(default_factory=dict)


Execute = Callable[[Task, Connection], Outcome]
"""What a worker process does with a task; it sends `Progress` and `Measured` meanwhile."""


def new_task(case: Case, host: Provenance, cores: tuple[int, ...], **options: Any) -> Task:
    """A task that starts now, under a name of its own."""
    return Task(case, host, _new_id(), datetime.now(UTC), cores, **options)


def _new_id() -> str:
    return os.urandom(4).hex()


def make_record(
    task: Task,
    status: Status,
    error: str | None = None,
    *,
    contended: bool = False,
    resumed_from_epoch: int | None = None,
    **parts: Any,
) -> Record:
    """Make the record of `task`.

    Args:
        task: what was to be run.
        status: how it ended.
        error: why, in one line, unless it is ok.
        contended: other work ran on its cores.
        resumed_from_epoch: the epoch of the checkpoint that it went on from.
        **parts: of the record; what is left out was not measured.
    """
    target = Target(metric=TARGET_METRIC, value=task.case.config["target_accuracy"])
    return Record(
        run=Run(
            id=task.run_id,
            started=task.started,
            status=status,
            error=error,
            contended=contended,
            resumed_from_epoch=resumed_from_epoch,
            threads=len(task.cores),
            command=task.host.command,
            folder=task.host.folder,
            seeds_together=len(task.beside) + 1 if task.beside else None,
        ),
        case=task.case,
        code=task.host.code,
        machine=task.host.machine,
        **{"software": task.host.software, "target": target, **parts},
    )


def mark_contended(outcome: Outcome) -> Outcome:
    """Return the same outcome, of a case that was not alone."""
    run = outcome.record.run.model_copy(update={"contended": True})
    return Outcome(outcome.record.model_copy(update={"run": run}), outcome.artifacts)
