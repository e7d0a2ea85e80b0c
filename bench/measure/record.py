"""Build the record of a measured case."""

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib import import_module

import numpy as np

from bench.measure.messages import TARGET_METRIC, Task, make_record
from bench.records.quality import Calibration, HistoryPoint, Quality, Scores
from bench.records.schema import Costs, Energy, Inference, Record, Target, Throughput, Time
from fmnist_jax.data.splits import Splits
from fmnist_jax.evaluation.calibration import (
    apply_temperature,
    calibration_scores,
    fit_temperature,
)
from fmnist_jax.evaluation.classification import accuracy, confusion_matrix, log_loss
from fmnist_jax.history import Epoch, Prepared
from fmnist_jax.learner import Learner, LearnerConfig, Probabilities


@dataclass(frozen=True)
class Measurement:
    """A fitted learner and all that was measured of it.

    Attributes:
        task: what was run.
        config: of the learner.
        learner: fitted.
        classes: names by label.
        splits: what it was fitted, validated and tested on.
        prepared: seconds of the preparation.
        history: the epochs; empty for a learner without them.
        epochs_here: how many of them were trained by this process.
        inference: seconds of predictions.
        energy: of training and prediction, as far as it can be measured.
        validation: probabilities, float32 [n, 10], of the validation images.
        test: probabilities, float32 [n, 10], of the test images.
    """

    task: Task
    config: LearnerConfig
    learner: Learner
    classes: tuple[str, ...]
    splits: Splits
    prepared: Prepared
    history: tuple[Epoch, ...]
    epochs_here: int
    inference: list[Inference]
    energy: Energy
    validation: Probabilities
    test: Probabilities


def build_record(
    measurement: Measurement, seconds: dict[str, float], total_s: float, contended: bool
) -> Record:
    """Build the complete record of a finished case.

    Args:
        measurement: what was measured.
        seconds: of each phase.
        total_s: since the case began.
        contended: other work ran on the case's cores meanwhile.
    """
    task, history = measurement.task, measurement.history
    dtype = measurement.config.compute_dtype(task.host.accelerated)
    packages = {name: import_module(name).__version__ for name in measurement.config.packages}
    return make_record(
        task,
        "ok",
        contended=contended,
        resumed_from_epoch=len(history) - measurement.epochs_here or None,
        software=task.host.software.model_copy(
            update={"compute_dtype": dtype, "packages": packages}
        ),
        time=_time(measurement, seconds, total_s),
        throughput=Throughput(
            train_images_per_s=[epoch.images / epoch.train_s for epoch in history]
            or [len(measurement.splits.train) / seconds["fit_s"]],
            inference=measurement.inference,
        ),
        energy=measurement.energy,
        quality=_quality(measurement),
        target=_target(task.case.config["target_accuracy"], history),
        cost=_cost(measurement.learner, task),
    )


def _time(measurement: Measurement, seconds: dict[str, float], total_s: float) -> Time:
    if measurement.history:
        seconds = {**seconds, "fit_s": measurement.history[-1].elapsed_s}
    return Time(
        **seconds,
        teacher_s=getattr(measurement.learner, "teacher_s", None),
        **asdict(measurement.prepared),
        epoch_s=[epoch.train_s for epoch in measurement.history],
        total_s=total_s,
    )


def _quality(measurement: Measurement) -> Quality:
    splits, probabilities = measurement.splits, measurement.test
    predicted = probabilities.argmax(1)
    confusion = confusion_matrix(splits.test.labels, predicted, len(measurement.classes))
    return Quality(
        test_accuracy=accuracy(confusion),
        test_loss=log_loss(probabilities, splits.test.labels),
        validation_accuracy=float(
            np.mean(measurement.validation.argmax(1) == splits.validation.labels)
        ),
        confusion=confusion.tolist(),
        history=[_point(epoch) for epoch in measurement.history],
        calibration=_calibration(measurement),
    )


def _point(epoch: Epoch) -> HistoryPoint:
    return HistoryPoint(**{name: getattr(epoch, name) for name in HistoryPoint.model_fields})


def _calibration(measurement: Measurement) -> Calibration:
    """Score the test probabilities, before and after the temperature of the validation split."""
    splits = measurement.splits
    temperature = fit_temperature(measurement.validation, splits.validation.labels)
    scaled = apply_temperature(measurement.test, temperature)
    before, after = (
        Scores(**asdict(calibration_scores(probabilities, splits.test.labels)))
        for probabilities in (measurement.test, scaled)
    )
    return Calibration(temperature=temperature, before=before, after=after)


def _target(value: float, history: Sequence[Epoch]) -> Target:
    reached = next((epoch for epoch in history if epoch.validation_accuracy >= value), None)
    return Target(
        metric=TARGET_METRIC,
        value=value,
        reached_s=reached and reached.elapsed_s,
        reached_epoch=reached and reached.epoch,
    )


def _cost(learner: Learner, task: Task) -> Costs:
    return Costs(**asdict(learner.cost()), peak_memory_bytes=_peak_memory(task))


def _peak_memory(task: Task) -> int | None:
    """Of the device where networks have one of their own, of this process otherwise.

    None over several hosts, where one process runs several cases.
    """
    if task.case.kind == "flax":
        import jax

        if jax.process_count() > 1:
            return None
    if task.case.kind in ("keras", "pytorch") and task.host.accelerated:
        return None  # JAX does not know the memory of other frameworks
    if task.case.kind == "flax" and task.host.accelerated:
        stats = [device.memory_stats() or {} for device in jax.local_devices()]
        peaks = [stat["peak_bytes_in_use"] for stat in stats if "peak_bytes_in_use" in stat]
        return sum(peaks) if peaks else None
    try:
        import resource
    except ImportError:  # Windows
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
