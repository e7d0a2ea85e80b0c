"""Which classes are mistaken for which, and how well each is found."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bench.reporting.html.charts.chart import Chart, Trace, View, number, percent, text
from bench.reporting.html.source import Source
from bench.reporting.query import show_model
from bench.reporting.section import get_sections
from bench.reporting.sections.per_class import class_names

CONFUSION = (
    "Rows are true classes, columns predicted ones, summed over the seeds. The colour is the "
    "share of the true class; the numbers are images."
)
PER_CLASS = (
    "Precision, recall and F1 of each class; diamonds are the figures of the course project that "
    "the section of the same name cites, where it has any."
)
MATRIX: Trace = {
    "type": "heatmap",
    "zmin": 0,
    "zmax": 100,
    "texttemplate": "%{text}",
    "showscale": False,
    "xgap": 1,
    "ygap": 1,
    "hovertemplate": (
        "true: %{y}<br>predicted: %{x}<br>%{text} images, %{z:.1f}% of the class<extra></extra>"
    ),
}
MEASURES = ("precision", "recall", "f1")


def confusion(source: Source) -> Chart | None:
    """Return the confusion matrix of every model."""
    views = [
        View(show_model(row["model"], row["seeds"]), [_matrix(row)], source.place(row))
        for _, row in source.models.iterrows()
    ]
    layout = {
        "xaxis": {"title": {"text": "predicted"}, "side": "bottom", "tickangle": -40},
        "yaxis": {"title": {"text": "true"}, "autorange": "reversed"},
    }
    if not views:
        return None
    return Chart("confusion", "Confusion matrix", CONFUSION, views, layout, MATRIX, height=560)


def _matrix(row: pd.Series) -> Trace:
    counts = np.asarray(row["confusion"])
    names = list(map(text, class_names(row["dataset"], len(counts))))
    totals = np.maximum(counts.sum(1, keepdims=True), 1)
    return {
        "x": names,
        "y": names,
        "z": [[number(100 * share, 4) for share in line] for line in (counts / totals).tolist()],
        "text": counts.tolist(),
    }


def per_class(source: Source) -> Chart | None:
    """Return the bars of the rows that the section of the same name shows."""
    (section,) = get_sections(["per_class"])
    rows = section.query(source.records)
    averages = rows["class"].str.endswith(" average")
    views = [
        View(str(model["model"]), _bars(own), source.place(model))
        for _, own in rows[~averages].groupby(list(section.by), sort=False, dropna=False)
        for model in [own.iloc[0]]
    ]
    layout = {
        "barmode": "group",
        "scattermode": "group",
        "hovermode": "x unified",
        "yaxis": {"title": {"text": "%"}, "rangemode": "tozero"},
        "xaxis": {"tickangle": -40},
    }
    return Chart("per_class", "By class", PER_CLASS, views, layout) if views else None


def _bars(rows: pd.DataFrame) -> Sequence[Trace]:
    names = list(map(text, rows["class"]))
    traces: list[Trace] = [
        {
            "type": "bar",
            "name": measure.upper() if measure == "f1" else measure,
            "meta": {"series": place_},
            "offsetgroup": measure,
            "x": names,
            "y": [percent(value) for value in rows[measure]],
            "hovertemplate": "%{y:.1f}%",
        }
        for place_, measure in enumerate(MEASURES)
    ]
    for place_, measure in enumerate(MEASURES[:2]):
        values = rows[f"reference_{measure}"]
        if values.notna().any():
            traces.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "offsetgroup": measure,
                    "name": f"reference {measure}",
                    "meta": {"series": "ink" if place_ else "muted"},
                    "marker": {"symbol": "diamond" if place_ else "diamond-open", "size": 9},
                    "x": names,
                    "y": [number(100 * value) for value in values],
                    "hovertemplate": "%{y:.0f}%",
                }
            )
    return traces
