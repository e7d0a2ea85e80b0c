"""What the training of the networks costs, and which limit of the machine bounds it."""

import pandas as pd

from bench.reporting.metrics.roofline import bottleneck
from bench.reporting.query import MACHINE, MODEL, by_model
from bench.reporting.section import SECTIONS, Column, Section, describe, metric_columns


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
