"""Whether one model is better than the next, or only was so on these images."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from bench.reporting.comparison.paired_tests import holm, mcnemar, paired_t, seeds_to_show
from bench.reporting.format import count, percentage_points
from bench.reporting.frames import UNREADABLE, read_predictions
from bench.reporting.query import MACHINE, SETTINGS, by_model
from bench.reporting.section import SECTIONS, Column, Section, describe, is_missing

GAP = 0.002  # the difference of accuracies that so many seeds would show
LEVEL = 0.05
NOTES = (
    "each model against the next of its machine, on the same test images: exact test of McNemar on "
    "the images that one of them alone gets right (of the first seed in common), and paired t "
    "test over the seeds; p after Holm's correction for all pairs of models of the table",
    "seeds: how many of each model would show a gap of 0.2 points (p < 0.05, power 0.8), at the "
    "spread that these seeds have",
)


@SECTIONS.register("differences")
def differences() -> Section:
    """Paired comparisons of models on the same images, and over seeds."""
    return Section(
        "differences",
        order=12,
        title=lambda row: f"Better, or by chance? {describe(row)}",
        query=query,
        columns=[
            Column("model", "model", align="left"),
            Column("against", "other", align="left"),
            Column("points", "difference", percentage_points),
            Column("right alone", ("alone", "other_alone"), "{} : {}".format, priority=3),
            Column("p of images", "p_images", _show_p, priority=1),
            Column("p of seeds", "p_seeds", _show_p, priority=2),
            Column("verdict", "verdict", align="left"),
            Column("seeds for 0.2 points", "seeds_needed", count, priority=4),
            MACHINE,
        ],
        notes=NOTES,
        by=(*SETTINGS, "machine"),
    )


def query(frame: pd.DataFrame) -> pd.DataFrame:
    """Return each model beside the next less accurate one of its machine and data."""
    rows = by_model(frame)
    keys = ["machine", *SETTINGS, "published"]
    found = [
        row
        for _, group in rows.groupby(keys, sort=False, dropna=False)
        for row in _compare(group.sort_values("test_accuracy", ascending=False, kind="stable"))
    ]
    return pd.DataFrame(found, columns=None if found else ["synthetic", "contended", "published"])


def _compare(models: pd.DataFrame) -> list[dict[str, Any]]:
    """Compare all pairs of a machine's models, and return those next to each other."""
    predicted = [_right(runs) for runs in models["runs"]]
    pairs = list(combinations(range(len(models)), 2))
    images = [_on_images(predicted[a], predicted[b]) for a, b in pairs]
    accuracies = [_by_seed(runs) for runs in models["runs"]]
    seeds = [paired_t(*_in_common(accuracies[a], accuracies[b])) for a, b in pairs]
    p_images = holm([found and found[2] for found in images])
    p_seeds = holm(seeds)
    rows = []
    for (a, b), found, of_images, of_seeds in zip(pairs, images, p_images, p_seeds, strict=True):
        if b != a + 1 or found is None:
            continue
        one, other = models.iloc[a], models.iloc[b]
        decisive = of_images if of_seeds is None else of_seeds
        rows.append(
            {
                **{name: one[name] for name in ("model", "machine", *SETTINGS)},
                **{name: one[name] for name in ("synthetic", "published")},
                "contended": False,
                "other": other["model"],
                "difference": one["test_accuracy"] - other["test_accuracy"],
                "alone": found[0],
                "other_alone": found[1],
                "p_images": of_images,
                "p_seeds": of_seeds,
                "verdict": "better" if (decisive or 0) < LEVEL else "no difference shown",
                "seeds_needed": seeds_to_show(
                    GAP, list(accuracies[a].values()), list(accuracies[b].values())
                ),
            }
        )
    return rows


Right = dict[int, npt.NDArray[np.bool_]]


def _right(runs: pd.DataFrame) -> Right:
    """Return by seed which test images are predicted right; nothing of a file that is not there."""
    found: Right = {}
    for seed, path in zip(runs["case.seed"], runs["predictions"], strict=True):
        if is_missing(path):
            continue
        try:
            probabilities, labels = read_predictions(path)
        except UNREADABLE:
            continue  # as if it were not there
        found[seed] = probabilities.argmax(1) == labels
    return found


def _on_images(one: Right, other: Right) -> tuple[int, int, float] | None:
    """Return how many images each gets right alone, and p; None without a common seed."""
    common = sorted(one.keys() & other.keys())
    if not common or len(one[common[0]]) != len(other[common[0]]):
        return None
    return mcnemar(one[common[0]], other[common[0]])


def _by_seed(runs: pd.DataFrame) -> dict[int, float]:
    return dict(zip(runs["case.seed"], runs["test_accuracy"], strict=True))


def _in_common(
    one: dict[int, float], other: dict[int, float]
) -> tuple[Sequence[float], Sequence[float]]:
    """Return the accuracies of both over the seeds that both have."""
    seeds = sorted(one.keys() & other.keys())
    return [one[seed] for seed in seeds], [other[seed] for seed in seeds]


def _show_p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
