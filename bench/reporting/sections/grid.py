"""Grids of hyper-parameters, one row per model family."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from bench.reporting.format import count, percentage, seconds
from bench.reporting.query import with_settings
from bench.reporting.section import SECTIONS, Column, Section, describe
from bench.reporting.sections.official import official_accuracy
from fmnist_jax.learner import models_of

CHOICE = "best configuration: by validation accuracy"
OFFICIAL = (
    "official best: the family's highest test accuracy with all 60,000 training images "
    "in Xiao, Rasul, Vollgraf 2017, arXiv 1708.07747, table 3"
)
COLUMNS = (
    Column("family", "model", align="left"),
    Column("tried", "configurations", count, priority=5),
    Column("finished", "finished", count, priority=4),
    Column("timed out", "timed_out", count, priority=8),
    Column("failed", "failed", count, priority=7),
    Column("best configuration", "best", lambda best: describe_point(best), "left", priority=9),
    Column("validation", "validation_accuracy", percentage, better="higher", priority=2),
    Column("test", "test_accuracy", percentage, better="higher"),
    Column("official best", "official", lambda value: f"{100 * value:.1f}%", priority=1),
    Column("median fit", "median_fit_s", seconds, better="lower", priority=3, timing=True),
    Column("all fits", "total_fit_s", seconds, priority=6, timing=True),
)


@SECTIONS.register("grid")
def grid() -> Section:
    """Grids of hyper-parameters: the best of each family by validation accuracy."""
    return Section(
        "grid",
        order=90,
        title=lambda row: f"Grid on {describe(row)}",
        query=query,
        columns=COLUMNS,
        notes=notes,
    )


def describe_point(point: dict[str, Any]) -> str:
    """Describe a point of a grid: "C=10, kernel=rbf, augment=(flip shift=1)"."""
    return ", ".join(f"{name}={_short(value)}" for name, value in point.items())


def _short(value: Any) -> str:
    if isinstance(value, dict):  # of settings, of which those that are off say nothing
        on = (name if v is True else f"{name}={_short(v)}" for name, v in value.items() if v)
        return f"({' '.join(on)})"
    return f"{value:g}" if isinstance(value, float) else str(value)


def query(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a row per family and dataset, over all machines that worked at it.

    Of each configuration and seed the newest finished run counts, wherever it ran; the
    newest other run counts where none finished. The section `experiments` has its own models.
    """
    elsewhere = frame["case.model"].isin(models_of("experiments"))
    runs = frame[frame["case.point"].notna() & ~elsewhere]
    runs = _with_grid_settings(runs).assign(is_ok=runs["run.status"] == "ok")
    runs = runs.sort_values(["is_ok", "run.started"], kind="stable").drop_duplicates(
        [*_KEYS, "case.model", "case.config_hash", "case.seed"], keep="last"
    )
    groups = runs.groupby([*_KEYS, "case.model"], sort=False, dropna=False)
    rows = pd.DataFrame([_family(family) for _, family in groups], columns=_COLUMNS)
    return rows.sort_values(
        ["synthetic", "dataset", "train_images", "validation_accuracy"],
        ascending=[True, True, True, False],
        ignore_index=True,
        kind="stable",
    )


def notes(rows: pd.DataFrame) -> Sequence[str]:
    """Say how the best was chosen, where the official figures come from, and who worked."""
    machines = sorted({machine for names in rows["machines"] for machine in names})
    official = [OFFICIAL] if rows["official"].notna().any() else []
    return [CHOICE, *official, f"machines: {', '.join(machines)}"]


_KEYS = ("dataset", "case.dataset_sha256", "train_images", "test_images")
_COLUMNS = [
    *("dataset", "train_images", "test_images", "synthetic", "contended", "published"),
    *(column.values[0] for column in COLUMNS),
    "machines",
]


def _with_grid_settings(runs: pd.DataFrame) -> pd.DataFrame:
    """Add the dataset and its sizes as the config states them; failed runs have no other."""
    test = [config.get("data", {}).get("test_images") for config in runs["case.config"]]
    return with_settings(runs).assign(test_images=pd.Series(test, index=runs.index, dtype="Int64"))


def _family(runs: pd.DataFrame) -> dict[str, Any]:
    """Return one row, from the runs of each configuration, a run per seed."""
    done = runs[runs["is_ok"]]
    lost = runs[~runs["case.config_hash"].isin(done["case.config_hash"])]
    statuses = [set(part) for _, part in lost.groupby("case.config_hash")["run.status"]]
    first = runs.iloc[0]
    row: dict[str, Any] = {
        **{name: first[name] for name in ("dataset", "train_images", "test_images")},
        "model": first["case.model"],
        "synthetic": bool(first["case.synthetic"]),
        "contended": bool(done["run.contended"].any()),
        "published": bool(runs["published"].any()),
        "configurations": runs["case.config_hash"].nunique(),
        "finished": done["case.config_hash"].nunique(),
        "timed_out": sum("timeout" in ended for ended in statuses),
        "failed": sum(
            "timeout" not in ended and bool(ended & {"failed", "oom", "diverged"})
            for ended in statuses
        ),
        "official": (
            official_accuracy(first["case.model"]) if first["dataset"] == "fashion_mnist" else None
        ),
        "machines": sorted(set(runs["machine.id"])),
    }
    if not done.empty:
        configurations = done.groupby("case.config_hash", sort=False)
        validation = configurations["quality.validation_accuracy"].mean()
        best = done[done["case.config_hash"] == validation.fillna(-1.0).idxmax()]
        times = configurations["time.fit_s"].median()
        row |= {
            "best": best["case.point"].iloc[0],
            "validation_accuracy": best["quality.validation_accuracy"].mean(),
            "test_accuracy": best["test_accuracy"].mean(),
            "median_fit_s": times.median(),
            "total_fit_s": times.sum(min_count=1),
        }
    return row
