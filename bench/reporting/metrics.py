"""Figures derived from records, each a small function.

A metric is a description, a function of one record, and the way to print it;
the tables and reports take whatever stands in `METRICS`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from bench.records.schema import Record
from fmnist_jax.evaluation.classification import wilson_interval


@dataclass(frozen=True)
class Metric:
    """One derived figure.

    Attributes:
        description: the heading of its column.
        function: the figure, None where the record does not have it.
        show: how to print it.
        timing: whether it is a property of the machine, too, and so is never
            pooled over machines.
        main: whether it has a column in the accuracy table.
        any_run: whether every run with the same config, software and code may tell it, since
            one start compiles and the next reads what was compiled.
    """

    description: str
    function: Callable[[Record], float | None]
    show: Callable[[float], str]
    timing: bool = True
    main: bool = True
    any_run: bool = False


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


def train_flops(record: Record) -> float | None:
    """FLOP/s in training, at three times the forward pass: it, and two gradients.

    The convention of model FLOPs utilization (Chowdhery et al. 2022, arXiv
    2204.02311, appendix B): what an implementation computes beyond that is not work.
    """
    return _per_second(record, record.cost.flops_per_image)


def flops_share(record: Record) -> float | None:
    """Of the rate that the machine's own matrix products reached just before."""
    return _share(train_flops(record), record.machine.probe.matmul_flops)


def bandwidth_share(record: Record) -> float | None:
    """Of the memory bandwidth measured just before, if every layer goes through memory once."""
    traffic = _per_second(record, record.cost.bytes_per_image)
    return _share(traffic, record.machine.probe.bandwidth_bytes)


def _per_second(record: Record, forward: int | None) -> float | None:
    rate = train_throughput(record)
    return None if forward is None or rate is None else 3 * forward * rate


def _share(reached: float | None, most: float | None) -> float | None:
    return None if reached is None or most is None else reached / most


def compile_seconds(cached: bool) -> Callable[[Record], float | None]:
    """Seconds to compile, or to read what an earlier start had compiled."""

    def function(record: Record) -> float | None:
        return record.time.compile_s if bool(record.time.compile_cached) is cached else None

    return function


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


def rate(value: float) -> str:
    """FLOP/s with a prefix: "154 G"."""
    for prefix, unit in (("P", 1e15), ("T", 1e12), ("G", 1e9)):
        if value >= unit:
            return f"{value / unit:.3g} {prefix}"
    return f"{value / 1e6:.3g} M"


def size(value: float) -> str:
    """Bytes in binary units: "1.4 GiB"."""
    return f"{value / 2**30:.2f} GiB" if value >= 2**30 else f"{value / 2**20:.0f} MiB"


def share(value: float) -> str:
    """A share in whole percent."""
    return f"{100 * value:.0f}%"


def percentage(value: float) -> str:
    """A share in percent with two decimals."""
    return f"{100 * value:.2f}%"


METRICS: dict[str, Metric] = {
    "test_accuracy": Metric("test accuracy", test_accuracy, percentage, timing=False),
    "fit_s": Metric("train time", lambda record: record.time.fit_s, seconds),
    "compile_s": Metric("compile", compile_seconds(cached=False), seconds, any_run=True),
    "compile_cached_s": Metric(
        "compile, cached", compile_seconds(cached=True), seconds, main=False, any_run=True
    ),
    "train_images_per_s": Metric("train images/s", train_throughput, count),
    "inference_images_per_s": Metric("predict images/s", inference_throughput, count),
    "latency_1_s": Metric("latency, 1 image", latency(1), seconds),
    "target_s": Metric("time to target", lambda record: record.target.reached_s, seconds),
    "train_flops": Metric("train FLOP/s", train_flops, rate, main=False),
    "flops_share": Metric("of measured peak", flops_share, share, main=False),
    "bandwidth_share": Metric("of measured bandwidth", bandwidth_share, share, main=False),
    "peak_memory_bytes": Metric(
        "peak memory", lambda record: record.cost.peak_memory_bytes, size, main=False
    ),
    "parameters": Metric("parameters", lambda record: record.cost.parameters, count, timing=False),
}
