"""How long a network trains until it reaches the target."""

from typing import Any

import pandas as pd

from bench.reporting.format import count, percentage, seconds
from bench.reporting.query import MACHINE, MODEL, SETTINGS, by_model
from bench.reporting.section import SECTIONS, Column, Section, describe

NOTES = (
    "mean over the runs that reached the target, with their standard deviation; the target "
    "counts as reached when the runs' mean accuracy at the end is at least as high. The clock "
    "covers training and validation after each epoch; compiling and loading are outside",
)


@SECTIONS.register("time_to_target")
def time_to_target() -> Section:
    """Time until the validation accuracy reaches the target."""
    return Section(
        "time_to_target",
        order=30,
        title=lambda row: f"Time to target: {describe(row)}",
        query=query,
        columns=[
            MODEL,
            Column("target", "target", percentage),
            Column("time to target", "target_mean_s", seconds, better="lower", timing=True),
            Column("std", "target_std_s", seconds, priority=4, timing=True),
            Column("epoch", "target_epoch", count, better="lower", priority=5),
            Column("reached by", ("reached", "seeds"), "{} of {}".format, priority=1),
            Column(
                "validation at the end",
                "validation_accuracy",
                percentage,
                better="higher",
                priority=3,
            ),
            Column("counts", "counts", lambda value: "yes" if value else "no", priority=2),
            MACHINE,
        ],
        notes=NOTES,
    )


def query(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the models that train by epochs."""
    rows = by_model(frame)
    by_epochs = [any(map(bool, runs["quality.history"])) for runs in rows["runs"]]
    rows = rows[pd.Series(by_epochs, index=rows.index, dtype="bool")]
    figures = pd.DataFrame([_times(runs) for runs in rows["runs"]], index=rows.index)
    kept = ["model", "machine", "seeds", "validation_accuracy", *SETTINGS]
    rows = rows[[*kept, "synthetic", "contended", "published"]].join(figures)
    if rows.empty:
        return rows
    rows["counts"] = rows["validation_accuracy"] >= rows["target"]
    return rows.reset_index(drop=True)


def _times(runs: pd.DataFrame) -> dict[str, Any]:
    reached = runs["target.reached_s"].dropna()
    return {
        "target": runs["target.value"].iloc[-1],
        "target_mean_s": reached.mean(),
        "target_std_s": reached.std(),
        "target_epoch": runs["target.reached_epoch"].astype("float64").mean(),
        "reached": len(reached),
    }
