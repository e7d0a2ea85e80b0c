"""Metrics of energy, where the hardware counts it."""

from statistics import median

from bench.records.schema import Record
from bench.reporting.format import joules
from bench.reporting.metric import METRICS, metric

SECTIONS = ("energy",)


@METRICS.register("train_j")
@metric("train energy", show=joules, better="lower", timing=True, sections=SECTIONS, priority=1)
def train_j(record: Record) -> float | None:
    """Return the joules of training."""
    return record.energy.train_j


@METRICS.register("target_j")
@metric("energy to target", show=joules, better="lower", timing=True, sections=SECTIONS, priority=2)
def target_j(record: Record) -> float | None:
    """Return the joules of training until the target was reached."""
    epoch = record.target.reached_epoch
    return sum(record.energy.epoch_j[:epoch]) if epoch and record.energy.epoch_j else None


@METRICS.register("epoch_j")
@metric("energy, 1 epoch", show=joules, better="lower", timing=True, sections=SECTIONS, priority=3)
def epoch_j(record: Record) -> float | None:
    """Return the median joules of an epoch with its validation, after the first."""
    epochs = record.energy.epoch_j
    return median(epochs[1:] or epochs) if epochs else None


@METRICS.register("predict_1000_j")
@metric(
    "energy, 1,000 predictions",
    show=joules,
    better="lower",
    timing=True,
    sections=SECTIONS,
    priority=4,
)
def predict_1000_j(record: Record) -> float | None:
    """Return the joules of a thousand predictions, at the largest batch that was measured."""
    of_one = record.energy.predict_j_per_image
    return None if of_one is None else 1000 * of_one
