"""How much faster this suite is than the same networks in other frameworks."""

from collections.abc import Iterator

import pandas as pd

from bench.reporting.html.charts.chart import Chart, Trace, View, number, series, text
from bench.reporting.html.source import Source
from bench.reporting.section import get_sections

ABOUT = (
    "This suite's speed over each framework's in the same round: right of the line this suite is "
    "faster. Marks are medians, bars reach from the least to the most of the rounds; a hollow "
    "mark was timed beside other work."
)
TRACE: Trace = {
    "type": "scatter",
    "mode": "markers",
    "orientation": "h",
    "marker": {"size": 9},
    "hovertemplate": "%{y}: %{x:.2f} × (%{customdata[0]:.2f}–%{customdata[1]:.2f})",
}
ROW = 14  # pixels per variant and network
KINDS = {"train": "training", "predict": "prediction"}
RATIO = "_ratio"
_KEYS = ["machine", "published", "dtype", "flip", "threads"]


def peers(source: Source) -> Chart | None:
    """Return the ratios of the rows that the section of the same name shows."""
    (section,) = get_sections(["peers"])
    rows = section.query(source.frames["peers"])
    views = list(_views(rows)) if not rows.empty else []
    if not views:
        return None
    layout = {
        "hovermode": "closest",
        "scattermode": "group",
        "xaxis": {"type": "log", "title": {"text": "times as fast as the framework"}},
        "yaxis": {"autorange": "reversed", "type": "category"},
        "shapes": [{"type": "line", "x0": 1, "x1": 1, "yref": "paper", "y0": 0, "y1": 1}],
    }
    height = 180 + ROW * rows["name"].nunique() * (1 + rows["model"].nunique())
    return Chart("peers", "Beside other frameworks", ABOUT, views, layout, TRACE, height)


def _views(rows: pd.DataFrame) -> Iterator[View]:
    numbers = series(rows["model"])
    is_mixed = rows["published"].nunique() > 1
    measures = [str(name).removesuffix(RATIO) for name in rows if str(name).endswith(RATIO)]
    for _, own in rows.groupby(_KEYS, sort=False, dropna=False):
        heading = _heading(own.iloc[0], is_mixed)
        for measure in measures:
            known = own[own[measure + RATIO].notna()]
            traces = [
                _trace(str(model), numbers[str(model)], part, measure + RATIO)
                for model, part in known.groupby("model", sort=False)
            ]
            if traces:
                kind, _, batch = measure.rpartition("_")
                yield View(f"{KINDS.get(kind, kind)}, batch {batch}", traces, heading)


def _heading(row: pd.Series, is_mixed: bool) -> str:
    mark = "†" if row["published"] and is_mixed else ""
    flip = ", mirrored at random" if row["flip"] else ""
    return f"{row['machine']}{mark}, {row['dtype']}{flip}, {row['threads']} threads"


def _trace(model: str, number_: int, rows: pd.DataFrame, ratio: str) -> Trace:
    middle, least, most = (rows[name] for name in (ratio, f"{ratio}_least", f"{ratio}_most"))
    return {
        "name": text(model),
        "meta": {"series": number_},
        "x": [number(value, 4) for value in middle],
        "y": list(map(text, rows["name"])),
        "customdata": [
            [number(low, 4), number(high, 4)] for low, high in zip(least, most, strict=True)
        ],
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [number(value, 4) for value in most - middle],
            "arrayminus": [number(value, 4) for value in middle - least],
        },
        "marker": {
            "symbol": ["circle-open" if star else "circle" for star in rows["contended"]],
        },
    }
