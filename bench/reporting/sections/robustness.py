"""Accuracy off the distribution that a model was trained on."""

from collections import defaultdict
from typing import Any

import numpy as np
import pandas as pd

from bench.reporting.format import count, percentage
from bench.reporting.query import MACHINE, MODEL, by_model
from bench.reporting.section import SECTIONS, Column, Section, describe, metric_columns

NOTES = (
    "mean corruption accuracy: over all corruptions and severities; a column per corruption: "
    "the mean over its five severities, named after Fashion-MNIST-C (Weiss and Tonella 2022)",
    "images: of each corruption at each severity, the same for models of as many; clean: all test "
    "images. A corruption's mean has a standard error of 5 points for 20 images, of 0.7 for 1,000",
)


@SECTIONS.register("robustness")
def robustness() -> Section:
    """Accuracy under corruptions of the test images."""
    return Section(
        "robustness",
        order=65,
        title=lambda row: f"Robustness: {describe(row)}",
        query=query,
        columns=columns,
        notes=NOTES,
    )


def query(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the models whose records have a robustness, with a column per corruption."""
    rows = by_model(frame)
    rows = rows[rows["mean_corruption_accuracy"].notna()].reset_index(drop=True)
    means: dict[str, list[Any]] = defaultdict(lambda: [None] * len(rows))
    for number, runs in enumerate(rows["runs"]):
        measured = [a for a in runs["quality.robustness.accuracy"] if isinstance(a, dict)]
        for name in dict.fromkeys(name for accuracy in measured for name in accuracy):
            means[_column(name)][number] = float(
                np.mean([accuracy[name] for accuracy in measured if name in accuracy])
            )
    images = [runs["quality.robustness.images"].iloc[-1] for runs in rows["runs"]]
    rows = rows.assign(images=pd.Series(images, dtype="Int64"))
    added = {name: pd.Series(values, dtype="float64") for name, values in means.items()}
    return rows.assign(**added)


def columns(rows: pd.DataFrame) -> list[Column]:
    """Return the mean, the accuracy on clean images, and the corruptions that were applied."""
    corruptions = [str(name) for name in rows if str(name).startswith(_column(""))]
    return [
        MODEL,
        *metric_columns("robustness"),
        Column("images", "images", count, priority=2),
        Column("clean", "test_accuracy", percentage, better="higher", priority=1),
        *(
            Column(
                name.removeprefix(_column("")).replace("_", " "),
                name,
                percentage,
                better="higher",
                priority=12 + place,
            )
            for place, name in enumerate(corruptions)
        ),
        MACHINE,
    ]


def _column(corruption: str) -> str:
    return f"corruption_{corruption}"
