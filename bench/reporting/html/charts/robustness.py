"""What corruptions of the images cost."""

from typing import Any

import numpy as np
import pandas as pd

from bench.reporting.html.charts.chart import Chart, Trace, View, number, percent, series, text
from bench.reporting.html.source import Source

ROBUSTNESS = "Accuracy by severity of a corruption of the test images; severity 0 is clean images."
SEVERITIES: Trace = {  # x counts from 0
    "type": "scatter",
    "mode": "lines+markers",
    "hovertemplate": "severity %{x}: %{y:.1f}%",
}
MEAN = "mean of all corruptions"


def robustness(source: Source) -> Chart | None:
    """Return accuracy over severity, for the mean and for each corruption."""
    numbers = series(source.models["model"])
    by_place: dict[tuple[str, str], list[Trace]] = {}
    for _, row in source.models.iterrows():
        for corruption, accuracy in _accuracies(row["runs"]).items():
            values = [row["test_accuracy"], *accuracy]
            traces = by_place.setdefault((source.place(row), corruption), [])
            traces.append(
                {
                    "name": text(row["model"]),
                    "meta": {"series": numbers[row["model"]]},
                    "y": [percent(value) for value in values],
                }
            )
    views = [
        View(corruption.replace("_", " "), traces, where)
        for (where, corruption), traces in by_place.items()
    ]
    layout = {
        "hovermode": "closest",
        "xaxis": {"title": {"text": "severity"}, "dtick": 1},
        "yaxis": {"title": {"text": "accuracy, %"}, "rangemode": "tozero"},
    }
    if not views:
        return None
    return Chart("robustness", "Robustness", ROBUSTNESS, views, layout, SEVERITIES)


def _accuracies(runs: pd.DataFrame) -> dict[str, list[float | None]]:
    """Return the mean over the runs by corruption and severity, and the mean of them all."""
    measured: list[dict[str, Any]] = [
        found for found in runs["quality.robustness.accuracy"] if isinstance(found, dict)
    ]
    names = dict.fromkeys(name for found in measured for name in found)
    means = {
        name: np.mean([found[name] for found in measured if name in found], axis=0)
        for name in names
    }
    if not means:
        return {}
    every = {MEAN: np.mean(list(means.values()), axis=0)} | means
    return {name: [number(value) for value in values] for name, values in every.items()}
