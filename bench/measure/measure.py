"""Measure one case: the same few lines for a network and a classical model.

Runs in a process of its own, which the executor starts and supervises. What is heavy
is imported after that process has been given its cores.
"""

import gc
import sys
import traceback
from collections.abc import Iterator
from functools import partial
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

from bench.measure.clock import Clock, sample
from bench.measure.host.contention import ContentionMonitor
from bench.measure.host.energy import SHORTEST_S, EnergyMeter
from bench.measure.messages import Measured, Outcome, Progress, Task, make_record
from bench.measure.worker import forward_messages, pin_to_cores
from bench.records.schema import Inference, Status, Time
from fmnist_jax.errors import DataError, Diverged, UserError, in_one_line

if TYPE_CHECKING:
    from bench.measure.record import Measurement
    from fmnist_jax.data.splits import Splits
    from fmnist_jax.history import Epoch
    from fmnist_jax.learner import Learner, LearnerConfig

INFERENCE_BATCHES = (1, 100, 1000)


def execute(task: Task, events: Connection) -> Outcome:
    """Run a case on the cores of its task; whatever goes wrong becomes the record's status."""
    pin_to_cores(task.cores, network=task.case.kind == "flax")
    return measure(task, events)


def measure(task: Task, events: Connection) -> Outcome:
    """Run a case in a process that is confined to the task's cores already.

    Sends `Progress`, and `Measured` as soon as a record is complete: that of the task's case, and
    those of the cases beside it.
    """
    forward_messages(events)
    clock, contention = Clock(), ContentionMonitor(task.cores)

    def failed(status: Status, reason: str) -> Outcome:
        time = Time(**clock.seconds, total_s=clock.total)
        error = " ".join(reason.split())
        return Outcome(make_record(task, status, error, contended=contention.detected, time=time))

    try:
        measured = []
        for measurement in _measure(task, clock, events):
            outcome = _complete(measurement, clock, contention)
            events.send(Measured(outcome.record, outcome.artifacts))
            measured.append((outcome, measurement))
    except Diverged as error:
        return failed("diverged", str(error))
    except Exception as error:
        if task.debug:
            traceback.print_exc(file=sys.stderr)
        is_exhausted = isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in str(error)
        text = str(error) if isinstance(error, UserError) else in_one_line(error)
        return failed("oom" if is_exhausted else "failed", text)
    if not measured:
        return Outcome(make_record(task, "ok"))
    from bench.measure.supplements.supplement import supplement

    return supplement(*measured[0], events.send)


def _complete(measurement: "Measurement", clock: Clock, contention: ContentionMonitor) -> Outcome:
    from bench.measure.artifacts import make_artifacts
    from bench.measure.record import build_record

    record = build_record(measurement, clock.seconds, clock.total, contention.detected)
    return Outcome(record, make_artifacts(measurement))


def _measure(task: Task, clock: Clock, events: Connection) -> "Iterator[Measurement]":
    """Fit, time and test a learner, and those of the seeds beside it.

    Nothing comes from a process that only trains along.
    """
    from bench.measure.record import Measurement
    from fmnist_jax.learner import resolve

    case = task.case
    events.send(Progress("data"))
    with clock.phase("data_s"):
        splits, classes = _load(task)
    config = resolve(case.model, case.config["model"])
    learner = _build(config, task)
    events.send(Progress("compile" if case.kind == "flax" else "prepare"))
    gc.collect()
    gc.freeze()  # what was imported stays: looking through it would cost timed moments
    prepared = learner.prepare(splits.train, splits.validation)

    epochs = case.config["model"].get("epochs")
    events.send(Progress("train", epoch=0 if epochs else None, epochs=epochs))
    meter = _open_meter(task)
    joules = [meter.read()]  # at the start, after each epoch, at the end

    def on_epoch(epoch: "Epoch") -> None:
        joules.append(meter.read())
        events.send(_progress(epoch, epochs))

    with clock.phase("fit_s"):
        history = learner.fit(on_epoch, task.checkpoints)
    epochs_here = len(joules) - 1
    joules.append(meter.read())
    if task.process_id:  # the rest is for process 0, which has the record
        return
    is_partial = epochs_here < len(history) or case.config["model"].get("teacher")
    if is_partial or clock.seconds["fit_s"] < SHORTEST_S or task.beside:
        joules = []  # of a part (a teacher may be of before), of too short a time, of several seeds

    for task_of_seed, fitted, epochs_of_seed in _by_seed(task, learner, history):
        events.send(Progress("measure"))
        images = splits.validation.images
        inference = [
            Inference(batch=batch, latency_s=sample(partial(fitted.predict_proba, images[:batch])))
            for batch in INFERENCE_BATCHES
            if batch <= len(images)
        ]
        energy = meter.energy(joules, fitted.predict_proba, images[: inference[-1].batch])
        validation = _predict(fitted, images)
        events.send(Progress("test"))
        with clock.phase("evaluate_s"):
            test = _predict(fitted, splits.test.images)
        yield Measurement(
            task_of_seed, config, fitted, classes, splits, prepared, epochs_of_seed,
            epochs_here if fitted is learner else len(epochs_of_seed), inference, energy,
            validation, test,
        )  # fmt: skip


def _build(config: "LearnerConfig", task: Task) -> "Learner":
    if not task.beside:
        learner = config.build(task.case.seed)
        if task.host.accelerated and getattr(learner, "device", None) == "cpu":
            raise UserError(
                f"this {', '.join(config.packages)} was built without the accelerator that jax uses"
            )
        return learner
    from fmnist_jax.training.learner import FlaxConfig

    assert isinstance(config, FlaxConfig), "only networks have seeds_together"
    return config.build_together((task.case.seed, *(case.seed for case in task.beside)))


def _open_meter(task: Task) -> EnergyMeter:
    """Return the meter of what trains the case; of none where that is not known."""
    if task.host.accelerated and task.case.kind in ("keras", "pytorch"):
        # Theirs may be all GPUs, or the processor, and half of that would look like a saving.
        return EnergyMeter(None, reason="not metered for other frameworks on an accelerator")
    return EnergyMeter.open(task.host.accelerated and task.case.kind == "flax")


def _by_seed(
    task: Task, learner: "Learner", history: "tuple[Epoch, ...]"
) -> "Iterator[tuple[Task, Learner, tuple[Epoch, ...]]]":
    """Yield the task, the fitted learner and the history of each seed, the task's own first."""
    yield task, learner, history
    if task.beside:
        from fmnist_jax.training.learner import FlaxLearner

        assert isinstance(learner, FlaxLearner)
        for case, (fitted, epochs) in zip(task.beside, learner.beside, strict=True):
            yield task.for_seed(case), fitted, epochs


def _load(task: Task) -> tuple["Splits", tuple[str, ...]]:
    """Load the splits of a case, and the names of the classes."""
    from fmnist_jax.data.load import load
    from fmnist_jax.data.splits import make_splits

    dataset = load(task.case.dataset, task.data_dir)
    if dataset.sha256 != task.case.dataset_sha256:
        raise DataError(
            f"the dataset {dataset.name} changed while the suite was running; run again"
        )
    data = dict(task.case.config["data"])
    return make_splits(dataset, data.pop("split_seed"), **data), dataset.classes


def _progress(epoch: "Epoch", epochs: int | None) -> Progress:
    return Progress(
        "train",
        epoch.epoch,
        epochs,
        epoch.validation_loss,
        epoch.validation_accuracy,
        epoch.images / epoch.train_s,
    )


def _predict(learner: "Learner", images: Any) -> Any:
    """Probabilities in batches of the largest measured size, for which all is compiled."""
    import numpy as np

    size = INFERENCE_BATCHES[-1]
    return np.concatenate(
        [learner.predict_proba(images[at : at + size]) for at in range(0, len(images), size)]
    )
