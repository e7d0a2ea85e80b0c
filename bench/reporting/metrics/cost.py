"""Metrics of what a model needs: numbers, memory."""

from bench.records.schema import Record
from bench.reporting.format import count, size
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
