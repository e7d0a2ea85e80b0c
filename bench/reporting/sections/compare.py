"""Machines side by side: how many times as fast as a baseline machine, and why."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from bench.reporting.comparison.measures import MEASURES, Measure
from bench.reporting.comparison.rows import LIMITS, OTHERS, SPEED, query
from bench.reporting.format import percentage_points, rate, share
from bench.reporting.query import MACHINE, MODEL, SETTINGS
from bench.reporting.section import SECTIONS, Column, Row, Section, describe

NOTES = {
    SPEED: (
        "above 1 the machine is faster, or needs less energy; accuracy is a difference, with "
        "its 95% interval (Newcombe 1998)",
        "marks: + better and - worse, p < 0.002 by Mann and Whitney's test over the samples of "
        "these runs; ~ no difference shown; none: too few samples for a test",
        "spread: the middle 90% of the ratios of all pairs of samples; another run may differ by "
        "more",
    ),
    LIMITS: (
        "training = limit × use: limit is the ratio of what the machines' own matrix products "
        "and memory, measured before the run, would allow; use is the ratio of the shares "
        "reached of it; of networks alone, whose arithmetic is known",
    ),
    OTHERS: ("x: cannot be compared; !: failed on this machine",),
}


@SECTIONS.register("compare")
def compare() -> Section:
    """Machines side by side, as ratios to the one that ran first."""
    return section()


def section(names: Sequence[str] = (), baseline: str | None = None) -> Section:
    """Return the section of these machines.

    Args:
        names: the machines to compare; all where none is named.
        baseline: the one that the others are related to; None is the one that most
            runs of others can be compared with.
    """
    return Section(
        "compare",
        order=85,
        title=title,
        query=lambda frame: query(frame, names, baseline),
        columns=COLUMNS,
        notes=notes,
        by=(*SETTINGS, "part", "baseline"),
    )


def title(row: Row) -> str:
    """Name the part, the baseline machine and the data."""
    return {
        SPEED: f"Times as fast as {row['baseline']}: {describe(row)}",
        LIMITS: f"Why: training against {row['baseline']}, {describe(row)}",
        OTHERS: f"Not compared with {row['baseline']}: {describe(row)}",
    }[row["part"]]


def notes(rows: pd.DataFrame) -> list[str]:
    """Explain the figures, and name what else differs between the machines."""
    part = rows["part"].iloc[0]
    if part != SPEED:
        return [*NOTES[part]]
    return [*NOTES[part], *(_others(of_one) for _, of_one in rows.groupby("machine"))]


def _others(rows: pd.DataFrame) -> str:
    """Say in what a machine's runs differ from the baseline machine's beside hardware."""
    values: dict[str, tuple[dict[str, None], dict[str, None]]] = {}
    for found in rows["other_software"]:
        for name, both in found.items():
            for known, value in zip(values.setdefault(name, ({}, {})), both, strict=True):
                known[value] = None
    texts = [f"{name} {', '.join(a)} → {', '.join(b)}" for name, (a, b) in values.items()]
    first = rows.iloc[0]
    if not texts:
        return f"{first['baseline']} and {first['machine']}: the same software and code"
    return f"{first['baseline']} → {first['machine']} beside hardware: {'; '.join(texts)}"


def show_ratio(ratio: float, mark: str = "", *_: Any) -> str:
    """Format a ratio and its mark: "0.28× -"."""
    digits = f"{ratio:.2f}" if 0.1 <= ratio < 10 else f"{ratio:.3g}"
    return f"{digits}× {mark}".strip()


def _show_spread(low: float, high: float, *_: Any) -> str:
    return f"{show_ratio(low)[:-1]}–{show_ratio(high)[:-1]}"


def _from_to(show: Any) -> Any:
    """Return a format of the baseline machine's figure and the machine's."""
    return lambda one, other: f"{show(one)} → {show(other)}"


def _columns(measure: Measure) -> list[Column]:
    name, place = measure.name, measure.priority
    ratio = tuple(f"{name}_{part}" for part in ("ratio", "mark", "baseline", "value"))
    spread = tuple(f"{name}_{part}" for part in ("low", "high", "p", "baseline_samples", "samples"))
    return [
        Column(measure.heading, ratio, show_ratio, priority=place, timing=True),
        Column(
            f"{measure.heading}: spread", spread, _show_spread, priority=20 + place, timing=True
        ),
    ]


COLUMNS = (
    Column("", "mark", align="left"),
    MODEL,
    Column(
        "accuracy, points",
        ("accuracy_difference", "accuracy_mark", "accuracy_baseline", "accuracy"),
        lambda difference, mark, *_: f"{percentage_points(difference)} {mark}",
    ),
    Column(
        "accuracy: 95%",
        ("accuracy_low", "accuracy_high"),
        lambda low, high: f"{percentage_points(low)} to {percentage_points(high)}",
        priority=20,
    ),
    *(column for measure in MEASURES for column in _columns(measure)),
    Column("limit", "limit_ratio", show_ratio, priority=1),
    Column("use", "use_ratio", show_ratio, priority=1, timing=True),
    Column("share of limit", ("share_baseline", "share"), _from_to(share), priority=3),
    Column("matrix FLOP/s", ("matmul_baseline", "matmul"), _from_to(rate), priority=2),
    Column("memory B/s", ("memory_baseline", "memory"), _from_to(rate), priority=4),
    Column("bound by", ("bound_baseline", "bound"), _from_to(str), "left", priority=2),
    Column("why not", "reason", align="left"),
    MACHINE,
)
