"""How far probabilities can be believed."""

import logging
from collections.abc import Iterator

import pandas as pd

from bench.reporting.frames import UNREADABLE, read_predictions
from bench.reporting.html.charts.chart import (
    Chart,
    Trace,
    View,
    number,
    percent,
    series,
    text,
)
from bench.reporting.html.source import Source
from bench.reporting.section import is_missing
from fmnist_jax.errors import in_one_line
from fmnist_jax.evaluation.calibration import (
    BINS,
    Reliability,
    apply_temperature,
    reliability,
)

log = logging.getLogger("fmnist_jax")

FEW_IMAGES = 10  # a bin of fewer says nothing
CALIBRATION = (
    f"Of the predictions made with a confidence, the share that is right, in {BINS} bins of equal "
    f"width, those of fewer than {FEW_IMAGES} images left out; a larger mark has more images. On "
    "the diagonal a probability means what it says; below it the model is too sure."
)
DIAGRAM: Trace = {
    "type": "scatter",
    "mode": "lines+markers",
    "hovertemplate": "confidence %{x:.1f}%, right %{y:.1f}%<br>%{customdata} images",
}
_DAMAGED = (*UNREADABLE, IndexError)


def calibration(source: Source) -> Chart | None:
    """Return the reliability diagrams of the models whose predictions are there."""
    numbers = series(source.models["model"])
    by_place: dict[tuple[str, str], list[Trace]] = {}
    for _, row in source.models.iterrows():
        for kind, diagram in _diagrams(row):
            traces = by_place.setdefault((source.place(row), kind), [_diagonal()])
            traces.append(_line(diagram, row["model"], numbers[row["model"]]))
    views = [View(kind, traces, where) for (where, kind), traces in by_place.items()]
    layout = {
        "hovermode": "closest",
        "xaxis": {"title": {"text": "confidence, %"}, "range": [0, 101]},
        "yaxis": {"title": {"text": "right, %"}, "range": [0, 101]},
    }
    if not views:
        return None
    return Chart("calibration", "Reliability", CALIBRATION, views, layout, DIAGRAM, height=480)


def _diagrams(row: pd.Series) -> Iterator[tuple[str, Reliability]]:
    """Yield the diagrams of the newest run: as predicted and, where known, with a temperature."""
    run = row["runs"].sort_values("run.started").iloc[-1]
    file = run["predictions"]
    if is_missing(file):
        return
    try:
        probabilities, labels = read_predictions(file)
        yield "as predicted", reliability(probabilities, labels, "equal_width")
        temperature = run["quality.calibration.temperature"]
        if not is_missing(temperature):
            scaled = apply_temperature(probabilities, float(temperature))
            yield "after temperature scaling", reliability(scaled, labels, "equal_width")
    except _DAMAGED as error:
        log.warning("%s is without a reliability diagram: %s", file, in_one_line(error))


def _line(diagram: Reliability, model: str, number_: int) -> Trace:
    shown = diagram.images >= min(FEW_IMAGES, diagram.images.max())
    images = diagram.images[shown]
    shares = images / images.max()
    return {
        "name": text(model),
        "meta": {"series": number_},
        "x": [percent(value) for value in diagram.confidence[shown]],
        "y": [percent(value) for value in diagram.accuracy[shown]],
        "customdata": images.tolist(),
        "marker": {"size": [number(4 + 12 * size, 3) for size in shares**0.5]},
    }


def _diagonal() -> Trace:
    return {
        "mode": "lines",
        "name": "calibrated",
        "meta": {"series": "muted"},
        "x": [0, 100],
        "y": [0, 100],
        "line": {"dash": "dot", "width": 1.5},
        "hoverinfo": "skip",
    }
