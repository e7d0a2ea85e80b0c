"""How far the probabilities of a model can be believed."""

import pandas as pd

from bench.reporting.format import decimal
from bench.reporting.query import ACCURACY, MACHINE, MODEL, by_model
from bench.reporting.section import SECTIONS, Column, Section, describe, metric_columns
from fmnist_jax.evaluation.calibration import BINS

NOTES = (
    f"ECE: expected calibration error over {BINS} bins of equal width (Guo et al. 2017, arXiv "
    "1706.04599); scaled: after dividing the logits by a temperature fitted on validation data",
)


@SECTIONS.register("calibration")
def calibration() -> Section:
    """Calibration of the probabilities, before and after temperature scaling."""
    return Section(
        "calibration",
        order=60,
        title=lambda row: f"Calibration: {describe(row)}",
        query=query,
        columns=[
            MODEL,
            *metric_columns("calibration"),
            Column("temperature", "temperature", decimal, priority=7),
            Column(ACCURACY.heading, ACCURACY.value, ACCURACY.show, better="higher", priority=2),
            MACHINE,
        ],
        notes=NOTES,
    )


def query(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the models whose records have a calibration."""
    rows = by_model(frame)
    rows = rows[rows["ece"].notna()].reset_index(drop=True)
    temperatures = [runs["quality.calibration.temperature"].median() for runs in rows["runs"]]
    return rows.assign(temperature=temperatures)
