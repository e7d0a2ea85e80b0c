"""Metrics of what a model needs: numbers, memory, energy."""

from bench.records.schema import Record
from bench.reporting.format import count, joules, size
from bench.reporting.metric import METRICS, metric


@METRICS.register("parameters")
@metric("parameters", show=count, better="lower", priority=8)
def parameters(record: Record) -> float | None:
    """Return how many numbers the model stores to predict."""
    return record.cost.parameters


@METRICS.register("peak_memory_bytes")
@metric("peak memory", show=size, better="lower", sections=("roofline",), priority=4)
def peak_memory_bytes(record: Record) -> float | None:
    """Return the peak memory of the run in bytes."""
    return record.cost.peak_memory_bytes


@METRICS.register("train_j")
@metric("train energy", show=joules, better="lower", timing=True, priority=9)
def train_j(record: Record) -> float | None:
    """Return the energy of training in joules, where the hardware measures it."""
    return record.energy.train_j


@METRICS.register("predict_j_per_image")
@metric("predict energy, 1 image", show=joules, better="lower", timing=True, priority=10)
def predict_j_per_image(record: Record) -> float | None:
    """Return the energy of one prediction in joules, where the hardware measures it."""
    return record.energy.predict_j_per_image
