"""Each model beside what others report for it: the course project, the official benchmark."""

from dataclasses import dataclass

import pandas as pd

from bench.reporting.format import percentage_points
from bench.reporting.query import ACCURACY, INTERVAL, MACHINE, MODEL, by_model
from bench.reporting.section import SECTIONS, Column, Section
from fmnist_jax.learner import LEARNERS

OFFICIAL_TABLE = (
    "official: Xiao, Rasul and Vollgraf 2017, arXiv 1708.07747, table 3, trained on all 60,000 "
    "images; of networks, the table in github.com/zalandoresearch/fashion-mnist"
)
COURSE = "course: a course project's notebooks, one run of each model"
CORRECTION = (
    "the dataset was corrected on 31 August 2017 (zalandoresearch/fashion-mnist#44: 43 duplicate "
    "pairs, 10 training images in the test set); figures from before are about .4 points too high "
    "(zhunzhong07/Random-Erasing#9)"
)
BEFORE_CORRECTION = "before the correction, best epoch on test; today's data: 95.70, last epoch"


@dataclass(frozen=True)
class Reported:
    """What others report of a model: test accuracies in [0, 1], and a remark."""

    course: float | None = None
    official: float | None = None
    remark: str | None = None


REPORTED = {
    "resnet": Reported(0.91, None, "course: after 20 epochs"),
    "cnn": Reported(0.91, None, "course: after 10 to 18 epochs"),
    "dense": Reported(0.92, None, "course: overall figure, Shirt F1 .75"),
    "logistic_regression": Reported(0.83),
    "svm": Reported(0.87, None, "official: C=10"),
    "random_forest": Reported(0.89, None, "course: claimed, without code"),
    "mlp": Reported(0.85),
    "lightgbm": Reported(
        None, 0.880, "official: scikit-learn's, on pixels; .911 claimed; ours on differences"
    ),
    "hog_svm": Reported(None, 0.926, "official: claimed, no code is stored"),
    "resnet18": Reported(None, 0.949),
    "wide_resnet": Reported(None, 0.963, BEFORE_CORRECTION),
}


@SECTIONS.register("official")
def official() -> Section:
    """Each model beside the course project's figure and the official benchmark's."""
    return Section(
        "official",
        order=20,
        title="Beside what others report: fashion_mnist, all training images",
        query=query,
        columns=[
            MODEL,
            ACCURACY,
            INTERVAL,
            Column("course", "course", _one_decimal, priority=1),
            Column("official", "official", _one_decimal, priority=1),
            Column("ahead by", "ahead", percentage_points, better="higher", priority=2),
            Column("remark", "remark", align="left", priority=9),
            MACHINE,
        ],
        notes=(COURSE, OFFICIAL_TABLE, CORRECTION),
    )


def query(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the models of which somebody reports a figure."""
    rows = by_model(frame)
    full = (rows["dataset"] == "fashion_mnist") & rows["train_images"].isna()
    rows = rows[full & ~rows["synthetic"].astype(bool)]
    reported = [reported_for(model) for model in rows["model"]]
    rows = rows.assign(
        course=pd.Series([r.course for r in reported], index=rows.index, dtype="float64"),
        official=pd.Series([r.official for r in reported], index=rows.index, dtype="float64"),
        remark=pd.Series([r.remark for r in reported], index=rows.index, dtype="object"),
    )
    highest = rows[["course", "official"]].max(axis=1)
    rows["ahead"] = rows["test_accuracy"].astype("float64") - highest
    return rows[highest.notna()].reset_index(drop=True)


def reported_for(model: str) -> Reported:
    """Return what others report of `model`; a baseline itself names its official figure."""
    reported = REPORTED.get(model, Reported())
    official = reported.official or official_accuracy(model)
    return Reported(reported.course, official, reported.remark)


def official_accuracy(model: str) -> float | None:
    """Return the best of a baseline's family in the official benchmark; imports no network."""
    listing = LEARNERS.catalogue.get(model)
    is_baseline = listing is not None and ".baselines." in listing.module
    return LEARNERS[model].official_accuracy if is_baseline else None


def _one_decimal(value: float) -> str:
    return f"{100 * value:.1f}%"
