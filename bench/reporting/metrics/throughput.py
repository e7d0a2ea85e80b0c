"""Metrics of how many images are processed per second."""

from statistics import median

from bench.records.schema import Record
from bench.reporting.format import count, seconds
from bench.reporting.metric import METRICS, metric


@METRICS.register("train_images_per_s")
@metric("train images/s", show=count, better="higher", timing=True, priority=2)
def train_images_per_s(record: Record) -> float | None:
    """Return the median over the epochs after the first, which also warms up the caches."""
    samples = record.throughput.train_images_per_s
    return median(samples[1:] or samples) if samples else None


@METRICS.register("inference_images_per_s")
@metric("predict images/s", show=count, better="higher", timing=True, priority=4)
def inference_images_per_s(record: Record) -> float | None:
    """Return the median rate at the largest batch that was measured."""
    measured = [inference for inference in record.throughput.inference if inference.latency_s]
    if not measured:
        return None
    largest = max(measured, key=lambda inference: inference.batch)
    return largest.batch / median(largest.latency_s)


@METRICS.register("latency_1_s")
@metric("latency, 1 image", show=seconds, better="lower", timing=True, priority=7)
def latency_1_s(record: Record) -> float | None:
    """Return the median seconds of one call with a single image."""
    for inference in record.throughput.inference:
        if inference.batch == 1 and inference.latency_s:
            return median(inference.latency_s)
    return None
