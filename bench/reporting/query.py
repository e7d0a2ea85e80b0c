"""Queries that several sections share: the runs that can be compared, one row per model."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri, stdtrit  # scipy.stats would take a second to import

from bench.reporting.format import interval, percentage
from bench.reporting.metric import all_metrics
from bench.reporting.section import Column

SETTINGS = ("dataset", "train_images", "test_images")

_POOLED = [
    *("confusion", "test_accuracy", "interval_low", "interval_high", "seeds_low", "seeds_high"),
    "runs",
]


def by_model(frame: pd.DataFrame) -> pd.DataFrame:
    """Return one row per model and machine, over its seeds; grids have a section of their own.

    A model under a recipe's settings is a model of its own, "resnet-best". The newest config
    counts, with the newest finished run of each seed: nothing is chosen by its test accuracy.
    Real data come first, the full sets before subsets, the folder's own runs before others.

    Returns:
        Columns `model`, `recipe` ("default" without one), `machine`, `seeds`, `dataset`,
        `train_images`, `test_images`, the flags, `validation_accuracy`,
        `confusion` (int [10, 10], the sum over seeds), `test_accuracy` (the seeds' mean),
        two 95% intervals of it: Wilson's of the test images, `interval_low` and
        `interval_high`, and Student's of the seeds, `seeds_low` and `seeds_high`, missing for
        one seed; `runs` (the frame of the runs behind the row), and the median over the
        seeds of every other metric.
    """
    keys = [*SETTINGS, "machine.id", "case.model", "case.recipe", "published"]
    config = newest_config(finished(frame), keys)
    chosen = newest_of_each_seed(config, keys)
    software, numbers = software_key(config), _groups(config, keys)
    alike = config[software == software.groupby(numbers).transform("last")]
    groups = numbers.loc[chosen.index]
    pooled = [pool(runs) for _, runs in chosen.groupby(groups, sort=False)]
    shared = _shared(chosen, groups)
    medians = _medians(chosen, alike, numbers).drop(columns="test_accuracy")
    summary = shared.join([medians, pd.DataFrame(pooled, shared.index, _POOLED)])
    return summary.sort_values(
        ["synthetic", *SETTINGS, "published", "machine", "test_accuracy"],
        ascending=[True, True, True, True, True, True, False],
        na_position="first",
        ignore_index=True,
        kind="stable",
    )


def model_names(runs: pd.DataFrame) -> pd.Series:
    """Return what the model of each run is called: under a recipe "resnet-best"."""
    recipe = ("-" + runs["case.recipe"].astype("str")).where(runs["case.recipe"].notna(), "")
    return runs["case.model"] + recipe


def finished(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the finished runs outside a grid, oldest first, with `SETTINGS` as columns."""
    done = frame[
        (frame["run.status"] == "ok")
        & frame["quality.confusion"].notna()
        & frame["case.point"].isna()
    ].sort_values("run.started", kind="stable")
    return with_settings(done)


def with_settings(runs: pd.DataFrame) -> pd.DataFrame:
    """Add the dataset and the numbers of training and test images; missing: the full set."""
    data = [config.get("data", {}) for config in runs["case.config"]]
    tested = [
        np.sum(confusion) if confusion else setting.get("test_images")
        for confusion, setting in zip(runs["quality.confusion"], data, strict=True)
    ]
    train = [setting.get("train_images") for setting in data]
    return runs.assign(
        dataset=runs["case.dataset"],
        train_images=pd.Series(train, index=runs.index, dtype="Int64"),
        test_images=pd.Series(tested, index=runs.index, dtype="Int64"),
    )


def newest_config(runs: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Return the runs of the config that ran last in each group, given them by their start."""
    if runs.empty:
        return runs
    newest = runs["case.config_hash"].groupby(_groups(runs, keys)).transform("last")
    return runs[runs["case.config_hash"] == newest]


def newest_of_each_seed(runs: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Return the last run of each seed in each group, given them in order of their start."""
    # The groups keep the order in which they first appear; rows within them are by seed.
    found = runs.assign(group=_groups(runs, keys)).drop_duplicates(
        ["group", "case.seed"], keep="last"
    )
    return found.sort_values(["group", "case.seed"], kind="stable").drop(columns="group")


def _groups(runs: pd.DataFrame, keys: Sequence[str]) -> pd.Series:
    """Number the group of each run by the values under `keys`, in order of appearance."""
    return runs.groupby(list(keys), sort=False, dropna=False).ngroup()


def _medians(chosen: pd.DataFrame, alike: pd.DataFrame, groups: pd.Series) -> pd.DataFrame:
    """Return the median of each metric, a row per group in the order of `chosen`.

    The groups are numbered once: in `alike` they may first appear in another order.
    """
    names = list(all_metrics())
    medians = chosen[names].groupby(groups, sort=False).median()
    any_run = [name for name, metric in all_metrics().items() if metric.any_run]
    medians[any_run] = alike[any_run].groupby(groups, sort=False).median()
    return medians


def _shared(chosen: pd.DataFrame, groups: pd.Series) -> pd.DataFrame:
    """Return what the runs of each group have in common, and their means."""
    by_group = chosen.groupby(groups, sort=False)
    newest = ~groups.duplicated(keep="last")
    last = chosen[newest].set_axis(groups[newest], axis=0)
    return pd.DataFrame(
        {
            "model": model_names(last),
            "recipe": last["case.recipe"].fillna("default"),
            "machine": last["machine.id"],
            "seeds": by_group.size(),
            **{name: last[name] for name in SETTINGS},
            "synthetic": by_group["case.synthetic"].any().astype(bool),
            "contended": by_group["run.contended"].any().astype(bool),
            "published": last["published"],
            "validation_accuracy": by_group["quality.validation_accuracy"].mean(),
        }
    )


def pool(chosen: pd.DataFrame) -> dict[str, Any]:
    """Return the mean accuracy of a group's runs, a run per seed, with its intervals."""
    confusion = np.sum([np.asarray(matrix) for matrix in chosen["quality.confusion"]], axis=0)
    correct, total = int(np.trace(confusion)), int(confusion.sum())
    # Every seed sees the same images: they do not become more by it.
    low, high = wilson(round(correct / len(chosen)), total // len(chosen))
    seeds_low, seeds_high = mean_interval(list(chosen["test_accuracy"]))
    return {
        "confusion": confusion,
        "test_accuracy": correct / total,
        "interval_low": low,
        "interval_high": high,
        "seeds_low": seeds_low,
        "seeds_high": seeds_high,
        "runs": chosen,
    }


def software_key(runs: pd.DataFrame) -> pd.Series:
    """Return a text per run that is the same for equal software and code."""
    columns = [name for name in runs if str(name).startswith(("software.", "code."))]
    texts = [repr(values) for values in runs[columns].itertuples(index=False, name=None)]
    return pd.Series(texts, index=runs.index)


def show_model(model: str, seeds: int) -> str:
    """Return the model with its number of seeds, if there are several."""
    return f"{model} ({seeds} seeds)" if seeds > 1 else model


def wilson(correct: int, total: int) -> tuple[float, float]:
    """Return the 95% interval of a proportion (Wilson 1927), which holds near 0 and 1 too."""
    z = float(ndtri(0.975))
    share, shrink = correct / total, 1 + z**2 / total
    centre = (share + z**2 / (2 * total)) / shrink
    reach = z / shrink * math.sqrt(share * (1 - share) / total + (z / (2 * total)) ** 2)
    return max(0.0, centre - reach), min(1.0, centre + reach)


def mean_interval(values: Sequence[float]) -> tuple[float, float]:
    """Return Student's 95% interval of the mean of several runs; nan for fewer than two."""
    if len(values) < 2:
        return float("nan"), float("nan")
    deviation = float(np.std(values, ddof=1)) / math.sqrt(len(values))
    reach = float(stdtrit(len(values) - 1, 0.975)) * deviation
    return float(np.mean(values)) - reach, float(np.mean(values)) + reach


MODEL = Column("model", ("model", "seeds"), show_model, align="left")
MACHINE = Column("machine", "machine", align="left", common=True)
ACCURACY = Column("test accuracy", "test_accuracy", percentage, better="higher")
INTERVAL = Column("95% of images", ("interval_low", "interval_high"), interval, priority=3)
SEEDS_INTERVAL = Column("95% of seeds", ("seeds_low", "seeds_high"), interval, priority=6)
