"""How long a whole training takes, and which accuracy it ends with."""

import pandas as pd

from bench.reporting.format import count, percentage, percentage_points, seconds
from bench.reporting.query import MACHINE, MODEL, SETTINGS, by_model
from bench.reporting.section import SECTIONS, Column, Section, describe

TARGETS = (0.92, 0.93, 0.94, 0.95)
NOTES = (
    "mean and standard deviation over n seeds; the schedule is fixed beforehand. The clock covers "
    "all that depends on training data once it lies on the device: drawing the first weights, each "
    "step, one evaluation of the test images at the end. Compiling, loading and the validation "
    "after each epoch are outside. A target counts as reached when the mean test accuracy is at "
    "least as high (rules after cifar10-airbench, arXiv 2404.00498)",
)


@SECTIONS.register("time_to_accuracy")
def time_to_accuracy() -> Section:
    """Whole trainings of networks: seconds, accuracy, and the target that they reach."""
    return Section(
        "time_to_accuracy",
        order=31,
        title=lambda row: f"Time to accuracy: {describe(row)}",
        query=query,
        columns=[
            MODEL,
            Column("reaches", "reaches", "{:.2f}".format, better="higher"),
            Column("time", "mean_s", seconds, better="lower", timing=True),
            Column("std", "std_s", seconds, priority=4, timing=True),
            Column("test accuracy", "mean_accuracy", percentage, better="higher"),
            Column("std of accuracy", "std_accuracy", _points, priority=3),
            Column("n", "seeds", count, priority=1),
            Column("epochs", "epochs", count, priority=2),
            MACHINE,
        ],
        notes=NOTES,
    )


def query(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the networks whose schedule does not depend on what they see."""
    rows = by_model(frame)
    figures = pd.DataFrame([_figures(runs) for runs in rows["runs"]], index=rows.index)
    kept = ["model", "seeds", "machine", *SETTINGS, "synthetic", "contended", "published"]
    rows = rows[kept].join(figures)
    return rows if rows.empty else rows[rows["mean_s"].notna()].reset_index(drop=True)


def _figures(runs: pd.DataFrame) -> dict[str, float | None]:
    """Return mean and deviation of time and accuracy; none where a run lacks a time.

    A teacher's training is in no epoch, so that a run with one has no such time.
    """
    configs = [config["model"] for config in runs["case.config"]]
    others = [config.get("patience") or config.get("teacher") for config in configs]
    trained = runs["time.epoch_s"].map(len) > 0
    times = (
        runs["time.initialise_s"].astype("float64")
        + runs["time.epoch_s"].map(sum).astype("float64")
        + runs["time.evaluate_s"].astype("float64")
    ).where(trained)
    if any(others) or times.isna().any():
        return dict.fromkeys(("mean_s", "std_s", "mean_accuracy", "std_accuracy", "epochs"))
    accuracy = runs["test_accuracy"]
    return {
        "mean_s": times.mean(),
        "std_s": times.std(),
        "mean_accuracy": accuracy.mean(),
        "std_accuracy": accuracy.std(),
        "reaches": max((target for target in TARGETS if accuracy.mean() >= target), default=None),
        "epochs": len(runs["time.epoch_s"].iloc[0]),
    }


def _points(value: float) -> str:
    return percentage_points(value).lstrip("+")
