"""Metrics of training against what the machine can do (roofline, Williams et al. 2009)."""

from bench.records.schema import Record
from bench.reporting.format import rate, share
from bench.reporting.metric import METRICS, metric
from bench.reporting.metrics.throughput import train_images_per_s


@METRICS.register("train_flops")
@metric("train FLOP/s", show=rate, better="higher", timing=True, sections=("roofline",), priority=1)
def train_flops(record: Record) -> float | None:
    """Return FLOP/s in training, at three times the forward pass: it, and two gradients.

    The convention of model FLOPs utilization (Chowdhery et al. 2022, arXiv
    2204.02311, appendix B): what an implementation computes beyond that is not work.
    """
    return _per_second(record, record.cost.flops_per_image)


@METRICS.register("flops_share")
@metric(
    "of measured peak", show=share, better="higher", timing=True, sections=("roofline",), priority=2
)
def flops_share(record: Record) -> float | None:
    """Return FLOP/s over the rate that the machine's own matrix products reached just before."""
    return _ratio(train_flops(record), record.machine.probe.matmul_flops)


@METRICS.register("bandwidth_share")
@metric(
    "of measured bandwidth",
    show=share,
    better="higher",
    timing=True,
    sections=("roofline",),
    priority=3,
)
def bandwidth_share(record: Record) -> float | None:
    """Return the memory traffic, each layer counted once, over the bandwidth measured before."""
    traffic = _per_second(record, record.cost.bytes_per_image)
    return _ratio(traffic, record.machine.probe.bandwidth_bytes)


def _per_second(record: Record, forward: int | None) -> float | None:
    images_per_s = train_images_per_s(record)
    return None if forward is None or images_per_s is None else 3 * forward * images_per_s


def _ratio(value: float | None, limit: float | None) -> float | None:
    return None if value is None or not limit else value / limit
