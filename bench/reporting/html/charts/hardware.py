"""How much faster one machine is than another at the same case."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from bench.reporting.html.charts.chart import Chart, Trace, View, number, series, text
from bench.reporting.html.source import Source, setting
from bench.reporting.metric import Metric, all_metrics
from bench.reporting.query import SETTINGS

ABOUT = (
    "Speed relative to the first machine, whose ratio is 1, for cases of equal model, config and "
    "dataset; further right is faster. A hollow mark was timed beside other work on one of the "
    "two machines."
)
TRACE: Trace = {
    "type": "scatter",
    "mode": "markers",
    "marker": {"size": 11},
    "hovertemplate": "%{y}: %{x:.3g} ×",
}
ROW = 20  # pixels per machine
_METRICS = ("train_images_per_s", "inference_images_per_s", "fit_s", "target_s", "latency_1_s")
_KEYS = ["model", *SETTINGS, "config", "sha256"]


def hardware(source: Source) -> Chart | None:
    """Return ratios of speed between machines, where two or more ran the same case."""
    models = source.models.assign(
        config=[runs["case.config_hash"].iloc[-1] for runs in source.models["runs"]],
        sha256=[runs["case.dataset_sha256"].iloc[-1] for runs in source.models["runs"]],
    )
    views = list(_views(models))
    if not views:
        return None
    layout = {
        "hovermode": "closest",
        "xaxis": {"type": "log", "title": {"text": "times as fast"}},
        "yaxis": {"autorange": "reversed", "type": "category"},
    }
    height = 200 + ROW * models["machine"].nunique()
    return Chart("hardware", "Hardware compared", ABOUT, views, layout, TRACE, height)


def _views(models: pd.DataFrame) -> Iterator[View]:
    numbers = series(models["model"])
    for _, rows in models.groupby(list(SETTINGS), sort=False, dropna=False):
        baseline = choose_baseline(rows)
        heading = f"{setting(rows.iloc[0])}, against {baseline}"
        for name, metric in all_metrics().items():
            if name not in _METRICS:
                continue
            traces = [
                _trace(str(model), numbers[str(model)], own)
                for model, own in ratios(rows, name, metric, baseline).groupby("model", sort=False)
            ]
            if traces:
                yield View(metric.description, traces, heading)


def choose_baseline(rows: pd.DataFrame) -> str:
    """Return the machine with the most models; of several, the first."""
    return str(rows.groupby("machine", sort=False)["model"].nunique().idxmax())


def ratios(rows: pd.DataFrame, name: str, metric: Metric, baseline: str) -> pd.DataFrame:
    """Return the speed of each machine over the baseline's, for cases that both ran.

    Returns:
        Columns `model`, `machine`, `ratio` (above 1 is faster) and `contended`; nothing
        where only the baseline ran a case.
    """
    known = rows[rows[name].notna() & (rows[name] > 0)]
    base = known[known["machine"] == baseline].drop_duplicates(_KEYS)
    pairs = known.merge(base, on=_KEYS, suffixes=("", "_base"))
    pairs = pairs[pairs.groupby("model")["machine"].transform("nunique") > 1]
    ratio = pairs[name] / pairs[f"{name}_base"]
    return pd.DataFrame(
        {
            "model": pairs["model"],
            "machine": pairs["machine"],
            "ratio": 1 / ratio if metric.better == "lower" else ratio,
            "contended": pairs["contended"] | pairs["contended_base"],
        }
    )


def _trace(model: str, number_: int, rows: pd.DataFrame) -> dict[str, Any]:
    return {
        "name": text(model),
        "meta": {"series": number_},
        "x": [number(value, 4) for value in rows["ratio"]],
        "y": list(map(text, rows["machine"])),
        "marker": {
            "symbol": ["circle-open" if star else "circle" for star in rows["contended"]],
        },
    }
