"""How many times as fast one machine is as another: the rows of `compare`, drawn."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from bench.reporting.comparison.measures import MEASURES, Measure
from bench.reporting.comparison.rows import SPEED, query
from bench.reporting.html.charts.chart import Chart, Trace, View, number, series, text
from bench.reporting.html.source import Source, setting
from bench.reporting.query import SETTINGS

ABOUT = (
    "Ratios to a baseline machine, for cases of equal model, config and dataset; further right is "
    "faster, or needs less energy. Bars span the middle 90% of the ratios of all pairs of "
    "samples. A hollow mark was timed beside other work on one of the two machines."
)
TRACE: Trace = {
    "type": "scatter",
    "mode": "markers",
    "marker": {"size": 11},
    "error_x": {"type": "data", "symmetric": False, "thickness": 1, "width": 0},
    "hovertemplate": "%{y}: %{x:.3g} ×",
}
ROW = 20  # pixels per machine


def hardware(source: Source) -> Chart | None:
    """Return ratios of speed between machines, where two or more ran the same case."""
    rows = query(source.records, (), None)
    rows = rows[rows["part"] == SPEED]
    views = list(_views(rows, series(source.models["model"])))
    if not views:
        return None
    layout = {
        "hovermode": "closest",
        "xaxis": {"type": "log", "title": {"text": f"times as fast as {rows['baseline'].iloc[0]}"}},
        "yaxis": {"autorange": "reversed", "type": "category"},
    }
    height = 200 + ROW * rows["machine"].nunique()
    return Chart("hardware", "Hardware compared", ABOUT, views, layout, TRACE, height)


def _views(rows: pd.DataFrame, numbers: dict[str, int]) -> Iterator[View]:
    for _, of_one in rows.groupby(list(SETTINGS), sort=False, dropna=False):
        first = of_one.iloc[0]
        heading = f"{setting(first)}, against {first['baseline']}"
        for measure in MEASURES:
            if f"{measure.name}_ratio" not in of_one:
                continue
            known = of_one[of_one[f"{measure.name}_ratio"].notna()]
            traces = [
                _trace(str(model), numbers.get(str(model), 0), measure, own)
                for model, own in known.groupby("model", sort=False)
            ]
            if traces:
                yield View(measure.heading, traces, heading)


def _trace(model: str, place: int, measure: Measure, rows: pd.DataFrame) -> dict[str, Any]:
    ratio, low, high = (rows[f"{measure.name}_{part}"] for part in ("ratio", "low", "high"))
    return {
        "name": text(model),
        "meta": {"series": place},
        "x": [number(value, 4) for value in ratio],
        "error_x": {
            "array": [number(value, 4) for value in high - ratio],
            "arrayminus": [number(value, 4) for value in ratio - low],
        },
        "y": list(map(text, rows["machine"])),
        "marker": {
            "symbol": ["circle-open" if star else "circle" for star in rows["contended"]],
        },
    }
