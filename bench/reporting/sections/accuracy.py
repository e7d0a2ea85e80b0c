"""Accuracy and speed of each model."""

from bench.reporting.query import ACCURACY, INTERVAL, MACHINE, MODEL, SEEDS_INTERVAL, by_model
from bench.reporting.section import SECTIONS, Column, Row, Section, describe, metric_columns


@SECTIONS.register("accuracy")
def accuracy() -> Section:
    """Accuracy and speed of each model."""
    return Section("accuracy", title=title, query=by_model, columns=columns(), order=0)


def title(row: Row) -> str:
    """Return what the rows have in common."""
    return f"Accuracy and speed: {describe(row)}"


def columns() -> list[Column]:
    """Return the accuracy with its intervals, then the metrics that name this section."""
    others = [column for column in metric_columns("accuracy") if column.value != ACCURACY.value]
    return [MODEL, MACHINE, ACCURACY, INTERVAL, SEEDS_INTERVAL, *others]
