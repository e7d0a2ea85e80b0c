"""Networks that start from, or end in, something else: a row for each of their settings."""

from typing import Any

import pandas as pd

from bench.reporting.format import count, percentage, seconds
from bench.reporting.query import (
    ACCURACY,
    INTERVAL,
    MACHINE,
    MODEL,
    SEEDS_INTERVAL,
    newest_of_each_seed,
    pool,
    with_settings,
)
from bench.reporting.section import SECTIONS, Column, Section, describe
from bench.reporting.sections.grid import describe_point
from fmnist_jax.learner import models_of

NOTES = (
    "mode=scratch is the CNN alone; finetune and frozen start from convolutions learned on MNIST "
    "and then go on learning, or stay. The time of that start is no part of the train time",
)


@SECTIONS.register("experiments")
def experiments() -> Section:
    """Hybrid and transferred networks beside the CNN alone."""
    return Section(
        "experiments",
        order=95,
        title=lambda row: f"Hybrid and transferred networks: {describe(row)}",
        query=query,
        columns=[
            MODEL,
            Column("settings", "point", describe_point, align="left"),
            Column("epochs", "epochs", count, priority=4),
            Column("validation", "validation_accuracy", percentage, better="higher", priority=2),
            ACCURACY,
            INTERVAL,
            SEEDS_INTERVAL,
            Column("train time", "fit_s", seconds, better="lower", priority=5, timing=True),
            MACHINE,
        ],
        notes=NOTES,
    )


def query(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each configuration of these models, over its seeds."""
    done = frame[
        frame["case.model"].isin(models_of("experiments"))
        & (frame["run.status"] == "ok")
        & frame["quality.confusion"].notna()
    ].sort_values("run.started", kind="stable")
    runs = newest_of_each_seed(with_settings(done), _KEYS)
    groups = runs.groupby(_KEYS, sort=False, dropna=False)
    rows = pd.DataFrame([_row(of_config) for _, of_config in groups], columns=_COLUMNS)
    return rows.sort_values(
        ["synthetic", "dataset", "train_images", "test_images", "test_accuracy"],
        ascending=[True, True, True, True, False],
        na_position="first",
        ignore_index=True,
        kind="stable",
    )


_KEYS = [
    *("dataset", "train_images", "test_images", "machine.id", "published"),
    *("case.model", "case.config_hash"),
]
_COLUMNS = [
    *("dataset", "train_images", "test_images", "machine", "published", "synthetic", "contended"),
    *("model", "seeds", "point", "epochs", "validation_accuracy", "test_accuracy"),
    *("interval_low", "interval_high", "seeds_low", "seeds_high", "fit_s"),
]


def _row(runs: pd.DataFrame) -> dict[str, Any]:
    last = runs.iloc[-1]
    return {
        **{name: last[name] for name in ("dataset", "train_images", "test_images", "published")},
        "machine": last["machine.id"],
        "synthetic": bool(runs["case.synthetic"].any()),
        "contended": bool(runs["run.contended"].any()),
        "model": last["case.model"],
        "seeds": len(runs),
        "point": last["case.point"] or {},
        "epochs": last["case.config"]["model"].get("epochs"),
        "validation_accuracy": runs["quality.validation_accuracy"].mean(),
        **pool(runs),
        "fit_s": runs["time.fit_s"].median(),
    }
