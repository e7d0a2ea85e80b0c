"""Precision, recall and F1 of each class, beside the reference's for the ResNet."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from bench.reporting.format import decimal
from bench.reporting.query import SETTINGS, by_model
from bench.reporting.section import SECTIONS, Column, Row, Section, describe
from fmnist_jax.data.dataset import DATASETS
from fmnist_jax.evaluation.classification import class_report, most_confused

# The course project's ResNet on Fashion-MNIST, after 20 epochs: precision, recall by label.
REFERENCE = {
    "resnet": (
        (0.81, 0.91), (0.98, 0.99), (0.87, 0.88), (0.95, 0.88), (0.88, 0.87),
        (0.96, 0.99), (0.79, 0.71), (0.94, 0.98), (0.97, 0.99), (1.00, 0.92),
    )
}  # fmt: skip
NOTE = "reference: the course project's ResNet, 91% after 20 epochs"
COLUMNS = (
    Column("class", "class", align="left"),
    Column("precision", "precision", decimal, priority=2),
    Column("recall", "recall", decimal, priority=1),
    Column("F1", "f1", decimal),
    Column("reference precision", "reference_precision", "{:.2f}".format, priority=4),
    Column("reference recall", "reference_recall", "{:.2f}".format, priority=3),
    Column("images", "images", "{:,.0f}".format, priority=5),
)


@SECTIONS.register("per_class")
def per_class() -> Section:
    """Precision, recall and F1 of each class."""
    return Section(
        "per_class",
        order=10,
        title=title,
        query=query,
        columns=COLUMNS,
        notes=notes,
        by=(*SETTINGS, "machine", "model", "published"),
    )


def title(row: Row) -> str:
    """Name the model, and why it is shown."""
    why = ", the best on validation data" if row["best"] else ""
    return f"{row['model']} by class{why}: {describe(row)}, {row['machine']}"


def query(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the classes of the best model on validation data, and of those with a reference."""
    models = by_model(frame)
    rows: list[dict[str, Any]] = []
    for _, group in models.groupby([*SETTINGS, "machine", "published"], sort=False, dropna=False):
        best = group["validation_accuracy"].astype("float64").fillna(-1.0).idxmax()
        for number, model in group.iterrows():
            if number == best or (model["model"] in REFERENCE and _is_reference_data(model)):
                rows += _classes(model, number == best)
    names = [name for column in COLUMNS for name in column.values]
    shared = [*SETTINGS, "machine", "model", "synthetic", "contended", "published"]
    return pd.DataFrame(rows, columns=[*shared, "best", "confused", *names])


def notes(rows: pd.DataFrame) -> Sequence[str]:
    """Return the most confused pairs, and where the reference comes from."""
    reference = [NOTE] if rows["reference_recall"].notna().any() else []
    return [*filter(None, rows["confused"].head(1)), *reference]


def class_names(dataset: str, count: int) -> tuple[str, ...]:
    """Return the names by label; the labels themselves where the dataset is not registered."""
    if dataset in DATASETS.catalogue and len(names := DATASETS[dataset]().classes) == count:
        return names
    return tuple(map(str, range(count)))


def _is_reference_data(model: pd.Series) -> bool:
    return bool(model["dataset"] == "fashion_mnist" and pd.isna(model["train_images"]))


def _classes(model: pd.Series, is_best: bool) -> list[dict[str, Any]]:
    confusion = np.asarray(model["confusion"])
    report = class_report(confusion)
    names = class_names(model["dataset"], len(confusion))
    pairs = [f"{names[t]} for {names[p]} {n:,}×" for t, p, n in most_confused(confusion, 3)]
    shared = {
        name: model[name]
        for name in (*SETTINGS, "machine", "model", "synthetic", "contended", "published")
    } | {"best": is_best, "confused": f"most confused: {', '.join(pairs)}" if pairs else None}
    reference = REFERENCE.get(model["model"]) if _is_reference_data(model) else None
    by_label = {"precision": report.precision, "recall": report.recall, "f1": report.f1}
    rows = [
        shared
        | {"class": name, "images": int(report.support[label])}
        | {figure: float(values[label]) for figure, values in by_label.items()}
        | _reference(reference and reference[label])
        for label, name in enumerate(names)
    ]
    for average, weights in (
        ("macro average", np.full(len(names), 1 / len(names))),
        ("weighted average", report.support / report.support.sum()),
    ):
        means = {figure: float(values @ weights) for figure, values in by_label.items()}
        rows.append(shared | {"class": average, **means} | _reference(None))
    return rows


def _reference(figures: tuple[float, float] | None) -> dict[str, float | None]:
    precision, recall = figures or (None, None)
    return {"reference_precision": precision, "reference_recall": recall}
