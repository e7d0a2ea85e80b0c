"""Metrics of training against what the machine can do (roofline, Williams et al. 2009)."""

import pandas as pd

from bench.records.schema import Record
from bench.reporting.format import rate, share
from bench.reporting.metric import METRICS, metric
from bench.reporting.metrics.throughput import train_images_per_s
from bench.reporting.section import Row, is_missing

# Below this share of both limits neither takes the time, but many small operations
# that wait for one another, and the calls from the host.
OVERHEAD_BELOW = 0.25


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


def bottleneck(row: "Row | pd.Series") -> str | None:
    """Return the nearer limit of a simple roofline (Williams et al. 2009).

    None where the machine was not probed. doi 10.1145/1498765.1498785
    """
    flops, bandwidth = row["flops_share"], row["bandwidth_share"]
    if is_missing(flops) or is_missing(bandwidth):
        return None
    if max(flops, bandwidth) < OVERHEAD_BELOW:
        return "overhead"
    return "arithmetic" if flops >= bandwidth else "memory"


def _per_second(record: Record, forward: int | None) -> float | None:
    images_per_s = train_images_per_s(record)
    return None if forward is None or images_per_s is None else 3 * forward * images_per_s


def _ratio(value: float | None, limit: float | None) -> float | None:
    return None if value is None or not limit else value / limit
