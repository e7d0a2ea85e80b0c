"""Figures derived from records, each a small function.

A metric is a description, a function of one record, and the way to print it;
the tables and reports take whatever stands in `METRICS`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from bench.record import Record
from fmnist_jax.evaluation import wilson_interval


@dataclass(frozen=True)
class Metric:
    """One derived figure.

    Attributes:
        description: the heading of its column.
        function: the figure, None where the record does not have it.
        show: how to print it.
        timing: whether it is a property of the machine, too, and so is never
            pooled over machines.
    """

    description: str
    function: Callable[[Record], float | None]
    show: Callable[[float], str]
    timing: bool = True


def test_accuracy(record: Record) -> float | None:
    """Share of the test images that were classified right."""
    return record.quality.test_accuracy


def accuracy_interval(correct: int, total: int) -> tuple[float, float]:
    """Wilson's 95% interval over pooled test predictions."""
    return wilson_interval(correct, total)


def train_throughput(record: Record) -> float | None:
    """Median images/s over the epochs after the first, which also warms up the caches."""
    samples = record.throughput.train_images_per_s
    return median(samples[1:] or samples) if samples else None


def latency(batch: int) -> Callable[[Record], float | None]:
    """Median seconds of one prediction call with `batch` images."""

    def function(record: Record) -> float | None:
        for inference in record.throughput.inference:
            if inference.batch == batch and inference.latency_s:
                return median(inference.latency_s)
        return None

    return function


def inference_throughput(record: Record) -> float | None:
    """Images/s at the largest batch that was measured."""
    if not record.throughput.inference:
        return None
    largest = max(record.throughput.inference, key=lambda inference: inference.batch)
    return largest.batch / median(largest.latency_s)


def seconds(value: float) -> str:
    """A duration a person can read: "0.8 ms", "3.2 s", "5 m 07 s"."""
    if value < 1:
        return f"{value * 1e3:.3g} ms"
    if value < 120:
        return f"{value:.3g} s"
    return f"{int(value // 60)} m {int(value % 60):02d} s"


def count(value: float) -> str:
    """A whole number with thousands set apart."""
    return f"{value:,.0f}"


def percentage(value: float) -> str:
    """A share in percent with two decimals."""
    return f"{100 * value:.2f}%"


METRICS: dict[str, Metric] = {
    "test_accuracy": Metric("test accuracy", test_accuracy, percentage, timing=False),
    "fit_s": Metric("train time", lambda record: record.time.fit_s, seconds),
    "compile_s": Metric("compile", lambda record: record.time.compile_s, seconds),
    "train_images_per_s": Metric("train images/s", train_throughput, count),
    "inference_images_per_s": Metric("predict images/s", inference_throughput, count),
    "latency_1_s": Metric("latency, 1 image", latency(1), seconds),
    "target_s": Metric("time to target", lambda record: record.target.reached_s, seconds),
    "parameters": Metric("parameters", lambda record: record.cost.parameters, count, timing=False),
}
