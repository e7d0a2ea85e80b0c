"""How much energy training and prediction take."""

import pandas as pd

from bench.reporting.query import MACHINE, MODEL, by_model
from bench.reporting.section import SECTIONS, Column, Section, describe, metric_columns

NOTES = (
    "counted by the hardware: nvml is the whole board of each GPU, rapl the whole processor, other "
    "programs included. Where neither can be read, energy is not measurable",
)


@SECTIONS.register("energy")
def energy() -> Section:
    """Energy of the models whose machine counts it."""
    return Section(
        "energy",
        order=45,
        title=lambda row: f"Energy: {describe(row)}",
        query=query,
        columns=[
            MODEL,
            *metric_columns("energy"),
            Column("counted by", "source", align="left"),
            MACHINE,
        ],
        notes=NOTES,
    )


def query(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the models whose energy was measured."""
    rows = by_model(frame)
    sources = [runs["energy.source"].iloc[-1] for runs in rows["runs"]]
    rows = rows.assign(source=pd.Series(sources, index=rows.index, dtype="object"))
    return rows[rows["source"].notna()].reset_index(drop=True)
