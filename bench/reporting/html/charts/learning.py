"""How accuracy grows with epochs and with seconds."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pandas as pd

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

History = Sequence[dict[str, Any]]
LEARNING = (
    "Solid lines are validation images, dotted ones training images. Seconds are of training and "
    "validation; compiling and loading are outside."
)
REACHING = (
    "How long each network trained until its validation accuracy first reached the value on the "
    "left axis; the lower right corner is slow. The dashed line is the target of the records."
)
CURVE: Trace = {"type": "scatter", "mode": "lines", "hovertemplate": "%{y:.4g} at %{x:.4g}"}
STEPS: Trace = {
    "type": "scatter",
    "mode": "lines+markers",
    "line": {"shape": "hv", "width": 2},
    "marker": {"size": 5},
    "hovertemplate": "%{y:.2f}% after %{x:.4g} s, epoch %{customdata}",
}
_QUANTITIES = (("accuracy", percent, "accuracy, %"), ("loss", number, "cross-entropy, nats"))
_CLOCKS = (("epoch", "epochs", "epoch"), ("elapsed_s", "seconds", "seconds of training"))


def learning(source: Source) -> Chart | None:
    """Return the curves of accuracy and loss over epochs and seconds, a view per machine."""
    views = list(_views(source))
    if not views:
        return None
    return Chart("learning", "Learning curves", LEARNING, views, {"hovermode": "closest"}, CURVE)


def _views(source: Source) -> Iterator[View]:
    numbers = series(source.models["model"])
    for where, rows in _by_place(source):
        for quantity, convert, y_title in _QUANTITIES:
            for clock, clock_name, x_title in _CLOCKS:
                traces = [
                    _curve(history, name, numbers[model], clock, f"{kind}_{quantity}", convert)
                    for model, name, history in _histories(rows)
                    for kind in ("validation", "train")
                ]
                axes = {
                    "xaxis": {"title": {"text": x_title}, "rangemode": "tozero"},
                    "yaxis": {"title": {"text": y_title}},
                }
                yield View(f"{quantity} over {clock_name}", traces, where, axes)


def _by_place(source: Source) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield the rows with a history, by machine and data."""
    models = source.models
    learned = [any(map(bool, runs["quality.history"])) for runs in models["runs"]]
    rows = models[pd.Series(learned, index=models.index, dtype="bool")]
    places = [source.place(row) for _, row in rows.iterrows()]
    for where, own in rows.groupby(pd.Series(places, index=rows.index, dtype="object"), sort=False):
        yield str(where), own


def _histories(rows: pd.DataFrame) -> Iterator[tuple[str, str, History]]:
    """Yield model, name and history of each run that has one."""
    for model, runs in zip(rows["model"], rows["runs"], strict=True):
        for seed, history in zip(runs["case.seed"], runs["quality.history"], strict=True):
            if history:
                yield model, f"{model}, seed {seed}" if len(runs) > 1 else model, history


def _curve(
    history: History,
    name: str,
    number_: int,
    clock: str,
    quantity: str,
    convert: Callable[[Any], float | None],
) -> Trace:
    is_training = quantity.startswith("train")
    return {
        "name": text(name) + (", training" if is_training else ""),
        "meta": {"series": number_},
        "x": [number(point[clock]) for point in history],
        "y": [convert(point[quantity]) for point in history],
        "line": {"width": 1.5 if is_training else 2.5, "dash": "dot" if is_training else "solid"},
        "opacity": 0.7 if is_training else 1,
    }


def time_to_accuracy(source: Source) -> Chart | None:
    """Return the seconds until each validation accuracy, a view per machine."""
    numbers = series(source.models["model"])
    views = []
    for where, rows in _by_place(source):
        traces = [
            _steps(history, name, numbers[model]) for model, name, history in _histories(rows)
        ]
        targets = {value for runs in rows["runs"] for value in runs["target.value"].dropna()}
        views.append(View(where, traces, layout={"shapes": [_line(value) for value in targets]}))
    layout = {
        "hovermode": "closest",
        "xaxis": {"title": {"text": "seconds of training"}, "type": "log"},
        "yaxis": {"title": {"text": "validation accuracy reached, %"}},
    }
    if not views:
        return None
    return Chart("time_to_accuracy", "Time to accuracy", REACHING, views, layout, STEPS)


def _steps(history: History, name: str, number_: int) -> Trace:
    points, best = [], -1.0
    for point in history:
        if point["validation_accuracy"] > best:
            best = point["validation_accuracy"]
            points.append((point["elapsed_s"], best, point["epoch"]))
    return {
        "name": text(name),
        "meta": {"series": number_},
        "x": [number(seconds) for seconds, _, _ in points],
        "y": [percent(accuracy) for _, accuracy, _ in points],
        "customdata": [epoch for _, _, epoch in points],
    }


def _line(target: float) -> dict[str, Any]:
    y = percent(target)
    return {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": y, "y1": y, "name": "target"}
