"""The measures that machines are compared by, each as raw samples of a machine's runs."""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from bench.reporting.metric import Better
from bench.reporting.query import software_key

Samples = dict[int, list[float]]  # by batch; 0 where there is none


@dataclass(frozen=True)
class Measure:
    """One figure of a machine.

    Attributes:
        name: of its columns.
        heading: what a person reads above them.
        better: which direction is better.
        samples: of all `runs` of a case, newest run of each seed, and of the `earlier` runs
            of the same config, all in order of their start.
        priority: as of `Column`.
    """

    name: str
    heading: str
    better: Better
    samples: Callable[[pd.DataFrame, pd.DataFrame], Samples]
    priority: int


def _train(runs: pd.DataFrame, _: pd.DataFrame) -> Samples:
    """Images/s of every epoch after a run's first, as in the metric."""
    rates = [rates[1:] or rates for rates in runs["throughput.train_images_per_s"]]
    return {0: [rate for run in rates for rate in run if rate > 0]}


def _latencies(runs: pd.DataFrame, _: pd.DataFrame) -> Samples:
    """Seconds per call, by batch."""
    samples: Samples = {}
    for inference in (found for run in runs["throughput.inference"] for found in run):
        samples.setdefault(inference["batch"], []).extend(s for s in inference["latency_s"] if s)
    return {batch: found for batch, found in samples.items() if found}


def _predict(runs: pd.DataFrame, earlier: pd.DataFrame) -> Samples:
    """Images/s of every call, of batches above one image."""
    found = _latencies(runs, earlier)
    return {b: [b / s for s in samples] for b, samples in found.items() if b > 1}


def _latency(runs: pd.DataFrame, earlier: pd.DataFrame) -> Samples:
    return {0: _latencies(runs, earlier).get(1, [])}


def _compile(_: pd.DataFrame, earlier: pd.DataFrame) -> Samples:
    """Seconds of every start that compiled, with the newest run's software and code."""
    keys = software_key(earlier)
    return {0: list(earlier.loc[keys == keys.iloc[-1], "compile_s"].dropna())}


def _of(column: str) -> Callable[[pd.DataFrame, pd.DataFrame], Samples]:
    """Return the samples of a column that has one figure a run."""
    return lambda runs, _: {0: [float(v) for v in runs[column].dropna() if v > 0]}


MEASURES = (
    Measure("train", "training", "higher", _train, 1),
    Measure("predict", "prediction", "higher", _predict, 2),
    Measure("latency", "latency, 1 image", "lower", _latency, 4),
    Measure("target", "time to target", "lower", _of("target.reached_s"), 3),
    Measure("compile", "compile", "lower", _compile, 5),
    Measure("train_energy", "train energy", "lower", _of("energy.train_j"), 6),
    Measure("predict_energy", "predict energy", "lower", _of("energy.predict_j_per_image"), 7),
)
