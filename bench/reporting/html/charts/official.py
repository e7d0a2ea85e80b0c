"""Each model's accuracy beside what others report of it."""

from collections.abc import Iterator

import pandas as pd

from bench.reporting.html.charts.chart import Chart, Trace, View, percent, text
from bench.reporting.html.source import Source
from bench.reporting.section import get_sections

ABOUT = (
    "Test accuracy with its 95% interval, and of each seed where there are several; diamonds are "
    "what others report: filled the official benchmark, hollow the course project. The table of "
    "the same name says under which conditions."
)
TRACE: Trace = {
    "type": "scatter",
    "mode": "markers",
    "marker": {"size": 11},
    "hovertemplate": "%{y}: %{x:.2f}%",
}
ROW = 28  # pixels per model
REPORTED = {
    "official": ("official benchmark", {"symbol": "diamond"}, "ink"),
    "course": ("course project", {"symbol": "diamond-open"}, "muted"),
}


def official(source: Source) -> Chart | None:
    """Return the dots of the rows that the section of the same name shows, by machine."""
    (section,) = get_sections(["official"])
    rows = section.query(source.records)
    views = [
        View(source.place(own.iloc[0]), list(_traces(own)))
        for _, own in rows.groupby(["machine", "published"], sort=False)
    ]
    if not views:
        return None
    layout = {
        "hovermode": "closest",
        "xaxis": {"title": {"text": "test accuracy, %"}},
        "yaxis": {"autorange": "reversed", "type": "category"},
    }
    height = 160 + ROW * rows["model"].nunique()
    return Chart("official", "Beside what others report", ABOUT, views, layout, TRACE, height)


def _traces(rows: pd.DataFrame) -> Iterator[Trace]:
    accuracy = rows["test_accuracy"].astype("float64")
    yield {
        "name": "this suite",
        "meta": {"series": 0},
        "x": list(map(percent, accuracy)),
        "y": list(map(text, rows["model"])),
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": list(map(percent, rows["interval_high"] - accuracy)),
            "arrayminus": list(map(percent, accuracy - rows["interval_low"])),
        },
    }
    if (rows["seeds"] > 1).any():
        runs = [
            (value, row["model"])
            for _, row in rows[rows["seeds"] > 1].iterrows()
            for value in row["runs"]["quality.test_accuracy"]
        ]
        yield {
            "name": "its seeds",
            "meta": {"series": 0},
            "marker": {"symbol": "circle-open", "size": 6},
            "x": [percent(value) for value, _ in runs],
            "y": [text(model) for _, model in runs],
        }
    for column, (name, marker, series) in REPORTED.items():
        known = rows[rows[column].notna()]
        if not known.empty:
            yield {
                "name": name,
                "meta": {"series": series},
                "marker": marker,
                "x": list(map(percent, known[column])),
                "y": list(map(text, known["model"])),
            }
