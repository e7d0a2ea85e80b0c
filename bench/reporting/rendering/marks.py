"""Mark what a reader has to know of a figure: contention, published rows, synthetic data."""

from typing import Any

import pandas as pd

from bench.reporting.section import Column, as_dicts, has_values

SYNTHETIC = "SYNTHETIC DATA: generated pictures, says nothing about Fashion-MNIST"
CONTENDED = "* timed beside other work"
PUBLISHED = "† published: from another results folder's records"
ALL_PUBLISHED = "published: from another results folder's records"


def star(row: dict[str, Any], column: Column) -> str:
    """Return the mark of a timing that was taken beside other work."""
    return "*" if column.timing and row["contended"] else ""


def dagger(row: dict[str, Any], rows: pd.DataFrame) -> str:
    """Return the mark of a published row among one's own."""
    return "†" if row["published"] and not rows["published"].all() else ""


def footnotes(rows: pd.DataFrame, columns: tuple[Column, ...]) -> list[str]:
    """Return what the marks of a table mean, for those that it has."""
    found = as_dicts(rows)
    cells = [(row, column) for row in found for column in columns if has_values(row, column)]
    used = {
        CONTENDED: any(star(row, column) for row, column in cells),
        PUBLISHED: any(dagger(row, rows) for row in found),
        ALL_PUBLISHED: bool(rows["published"].all()),
    }
    return [note for note, is_used in used.items() if is_used]
