"""Metrics of how long training and compiling take."""

from bench.records.schema import Record
from bench.reporting.format import seconds
from bench.reporting.metric import METRICS, metric


@METRICS.register("fit_s")
@metric("train time", show=seconds, better="lower", timing=True, priority=1)
def fit_s(record: Record) -> float | None:
    """Return the seconds of training; writing checkpoints is left out."""
    return record.time.fit_s


@METRICS.register("compile_s")
@metric(
    "compile",
    show=seconds,
    better="lower",
    timing=True,
    sections=("accuracy", "roofline"),
    priority=5,
    any_run=True,
)
def compile_s(record: Record) -> float | None:
    """Return the seconds of compiling, where nothing came from a cache."""
    return None if record.time.compile_cached else record.time.compile_s


@METRICS.register("compile_cached_s")
@metric(
    "compile, cached",
    show=seconds,
    better="lower",
    timing=True,
    sections=("roofline",),
    priority=6,
    any_run=True,
)
def compile_cached_s(record: Record) -> float | None:
    """Return the seconds of reading what an earlier start had compiled."""
    return record.time.compile_s if record.time.compile_cached else None


@METRICS.register("target_s")
@metric("time to target", show=seconds, better="lower", timing=True, priority=6)
def target_s(record: Record) -> float | None:
    """Return the seconds of training until the target was reached."""
    return record.target.reached_s
