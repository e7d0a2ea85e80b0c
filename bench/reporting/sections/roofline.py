"""What the training of the networks costs, and which limit of the machine bounds it."""

import pandas as pd

from bench.reporting.query import MACHINE, MODEL, by_model
from bench.reporting.section import (
    SECTIONS,
    Column,
    Row,
    Section,
    describe,
    is_missing,
    metric_columns,
)

# Below this share of both limits neither takes the time, but many small operations
# that wait for one another, and the calls from the host.
BUSY = 0.25


@SECTIONS.register("roofline")
def roofline() -> Section:
    """Training speed of networks against the limits of the machine."""
    return Section(
        "roofline",
        order=40,
        title=lambda row: f"Training against what the machine reached: {describe(row)}",
        query=query,
        columns=[
            MODEL,
            *metric_columns("roofline"),
            Column("bound by", "bottleneck", align="left", priority=2),
            MACHINE,
        ],
    )


def query(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the networks, whose arithmetic is known, with the nearer limit of each."""
    rows = by_model(frame)
    rows = rows[rows["train_flops"].notna()].reset_index(drop=True)
    limits = [bottleneck(row) for _, row in rows.iterrows()]
    return rows.assign(bottleneck=pd.Series(limits, index=rows.index, dtype="object"))


def bottleneck(row: "Row | pd.Series") -> str | None:
    """Return the nearer limit of a simple roofline (Williams et al. 2009).

    None where the machine was not probed. doi 10.1145/1498765.1498785
    """
    flops, bandwidth = row["flops_share"], row["bandwidth_share"]
    if is_missing(flops) or is_missing(bandwidth):
        return None
    if max(flops, bandwidth) < BUSY:
        return "overhead"
    return "arithmetic" if flops >= bandwidth else "memory"
