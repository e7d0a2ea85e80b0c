"""Mark what a reader has to know of a figure: contention, published rows, synthetic data."""

from typing import Any

from bench.reporting.section import Column, has_values

SYNTHETIC = "SYNTHETIC DATA: generated pictures, says nothing about Fashion-MNIST"
CONTENDED = "* timed beside other work"
PUBLISHED = "† published: from another results folder's records"
ALL_PUBLISHED = "published: from another results folder's records"


def star(row: dict[str, Any], column: Column) -> str:
    """Return the mark of a timing that was taken beside other work."""
    return "*" if column.timing and row["contended"] else ""


def daggers(rows: list[dict[str, Any]]) -> list[str]:
    """Return a mark for each published row, where it stands among one's own."""
    mixed = not all(row["published"] for row in rows)
    return ["†" if mixed and row["published"] else "" for row in rows]


def footnotes(rows: list[dict[str, Any]], columns: tuple[Column, ...]) -> list[str]:
    """Return what the marks of a table mean, for those that it has."""
    cells = [(row, column) for row in rows for column in columns if has_values(row, column)]
    used = {
        CONTENDED: any(star(row, column) for row, column in cells),
        PUBLISHED: any(daggers(rows)),
        ALL_PUBLISHED: all(row["published"] for row in rows),
    }
    return [note for note, is_used in used.items() if is_used]
