"""Accuracy against what it costs: time, speed, parameters, energy."""

from collections.abc import Iterator

import pandas as pd

from bench.reporting.html.charts.chart import (
    SYMBOLS,
    Chart,
    Layout,
    Trace,
    View,
    number,
    percent,
    series,
    text,
)
from bench.reporting.html.source import Source, setting
from bench.reporting.metric import Metric, all_metrics
from bench.reporting.query import SETTINGS

COSTS = (
    *("fit_s", "train_images_per_s", "inference_images_per_s", "latency_1_s"),
    *("parameters", "train_j", "predict_1000_j"),
)
UNITS = {"fit_s": "s", "latency_1_s": "s", "train_j": "J", "predict_1000_j": "J"}
FEW = 4  # machines; of more, one front over all of them is shown, and a view of each
ABOUT = (
    "Each point is a model on a machine, its shape the machine, with the 95% interval of the test "
    "accuracy. Points on a dotted line are a Pareto front: nothing is more accurate and cheaper."
)
TRACE: Trace = {
    "type": "scatter",
    "mode": "markers",
    "marker": {"size": 11},
    "error_y": {"type": "data", "symmetric": False, "thickness": 1, "width": 0},
    "hovertemplate": "%{y:.2f}%, %{customdata[1]}<br>%{customdata[0]}",
}


def tradeoff(source: Source) -> Chart | None:
    """Return accuracy against each cost that some record has."""
    views = list(_views(source.models))
    layout = {
        "yaxis": {"title": {"text": "test accuracy, %"}},
        "xaxis": {"type": "log"},
        "hovermode": "closest",
    }
    if not views:
        return None
    return Chart("tradeoff", "Accuracy against cost", ABOUT, views, layout, TRACE)


def _views(models: pd.DataFrame) -> Iterator[View]:
    numbers = series(models["model"])
    for _, rows in models.groupby(list(SETTINGS), sort=False, dropna=False):
        heading = setting(rows.iloc[0])
        machines = list(dict.fromkeys(rows["machine"]))
        yield from _of_machines(rows, heading, machines, numbers)
        if len(machines) > FEW:
            for machine, own in rows.groupby("machine", sort=False):
                yield from _of_machines(own, f"{heading}, {machine}", [str(machine)], numbers)


def _of_machines(
    rows: pd.DataFrame, heading: str, machines: list[str], numbers: dict[str, int]
) -> Iterator[View]:
    for name, metric in all_metrics().items():
        if name not in COSTS:
            continue
        known = rows[rows[name].notna() & (rows[name] > 0)]
        if len(known) < 2:
            continue
        points = [
            _points(own, str(model), name, metric, machines, numbers)
            for model, own in known.groupby("model", sort=False)
        ]
        parts = known.groupby("machine") if len(machines) <= FEW else [("all machines", known)]
        fronts = [_front(own, name, metric, str(where)) for where, own in parts]
        yield View(_label(name, metric), [*fronts, *points], heading, _axis(name, metric))


def _label(name: str, metric: Metric) -> str:
    unit = f", {UNITS[name]}" if name in UNITS else ""
    return f"{metric.description}{unit}"


def _axis(name: str, metric: Metric) -> Layout:
    better = "←" if metric.better == "lower" else "→"
    return {"xaxis": {"title": {"text": f"{_label(name, metric)} (better {better})"}}}


def _points(
    rows: pd.DataFrame,
    model: str,
    name: str,
    metric: Metric,
    machines: list[str],
    numbers: dict[str, int],
) -> Trace:
    places = [min(machines.index(machine), len(SYMBOLS) - 1) for machine in rows["machine"]]
    is_mixed = rows["published"].nunique() > 1
    marks = ["†" if published and is_mixed else "" for published in rows["published"]]
    stars = ["*" if metric.timing and contended else "" for contended in rows["contended"]]
    return {
        "name": text(model),
        "meta": {"series": numbers[model]},
        "x": [number(value) for value in rows[name]],
        "y": [percent(value) for value in rows["test_accuracy"]],
        "error_y": {
            "array": [percent(value) for value in rows["interval_high"] - rows["test_accuracy"]],
            "arrayminus": [percent(v) for v in rows["test_accuracy"] - rows["interval_low"]],
        },
        "marker": {"symbol": [SYMBOLS[place] for place in places]},
        "customdata": [
            [text(machine + mark), text(metric.show(value) + star)]
            for machine, mark, value, star in zip(
                rows["machine"], marks, rows[name], stars, strict=True
            )
        ],
    }


def _front(rows: pd.DataFrame, name: str, metric: Metric, where: str) -> Trace:
    front = pareto(rows, name, lower=metric.better == "lower")
    return {
        "mode": "lines",
        "name": f"Pareto front, {text(where)}",
        "meta": {"series": "muted"},
        "x": [number(value) for value in front[name]],
        "y": [percent(value) for value in front["test_accuracy"]],
        "line": {"dash": "dot", "width": 1.5},
        "hoverinfo": "skip",
    }


def pareto(rows: pd.DataFrame, cost: str, *, lower: bool) -> pd.DataFrame:
    """Return the rows that no other row beats in accuracy and cost, by rising accuracy.

    Args:
        rows: with `test_accuracy` and `cost`, none missing.
        cost: name of the column.
        lower: whether less of it is better.
    """
    ordered = rows.sort_values([cost, "test_accuracy"], ascending=[lower, False], kind="stable")
    accuracy = ordered["test_accuracy"].astype("float64")
    return ordered[accuracy > accuracy.cummax().shift(fill_value=-1.0)]
