"""Turn a table's rows into text, with the marks and footnotes that belong to them."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from bench.reporting.format import MISSING
from bench.reporting.section import Column, Table, is_missing
from fmnist_jax.errors import printable

SYNTHETIC = "SYNTHETIC DATA: generated pictures, says nothing about Fashion-MNIST"
CONTENDED = "* timed beside other work"
PUBLISHED = "† published: from another results folder's records"
ALL_PUBLISHED = "published: from another results folder's records"


@dataclass(frozen=True)
class TextTable:
    """A table as text.

    Attributes:
        title: with the warning of synthetic data.
        columns: those that have a value in some row.
        lines: a text for each row and column.
        best: (row, column) of the best values.
        notes: footnotes, of marks too.
        rows: the values behind `lines`.
        synthetic: whether the title warns.
    """

    title: str
    columns: tuple[Column, ...]
    lines: list[list[str]]
    best: frozenset[tuple[int, int]]
    notes: tuple[str, ...]
    rows: pd.DataFrame
    synthetic: bool


def to_text(table: Table) -> TextTable:
    """Format every cell; a column in which no row has a value is left out."""
    rows = table.rows
    common = [column for column in table.columns if column.common and _is_common(rows, column)]
    columns = tuple(
        column
        for column in table.columns
        if column not in common and any(_has(row, column) for row in _dicts(rows))
    )
    title = ", ".join([table.title, *(_cell(_dicts(rows)[0], column) for column in common)])
    mixed = bool(rows["published"].any() and not rows["published"].all())
    marks = {
        CONTENDED: _is_starred(rows, columns),
        PUBLISHED: mixed,
        ALL_PUBLISHED: bool(rows["published"].all()),
    }
    return TextTable(
        title=printable(f"{title} ({SYNTHETIC})" if table.synthetic else title),
        columns=columns,
        lines=[_line(row, columns, mixed) for row in _dicts(rows)],
        best=frozenset(
            (row, place) for place, column in enumerate(columns) for row in _best(rows, column)
        ),
        notes=tuple(
            map(printable, [*table.notes, *(note for note, used in marks.items() if used)])
        ),
        rows=rows,
        synthetic=table.synthetic,
    )


def _dicts(rows: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in rows.to_dict("records")]


def _has(row: dict[str, Any], column: Column) -> bool:
    return not any(is_missing(row.get(name)) for name in column.values)


def _is_common(rows: pd.DataFrame, column: Column) -> bool:
    values = [tuple(str(row[name]) for name in column.values) for row in _dicts(rows)]
    return len(set(values)) == 1


def _cell(row: dict[str, Any], column: Column) -> str:
    if not _has(row, column):
        return MISSING
    star = "*" if column.timing and row["contended"] else ""
    return f"{column.show(*(row[name] for name in column.values))}{star}"


def _line(row: dict[str, Any], columns: tuple[Column, ...], mixed: bool) -> list[str]:
    cells = [printable(_cell(row, column)) for column in columns]
    if mixed and row["published"]:
        cells[0] += "†"
    return cells


def _is_starred(rows: pd.DataFrame, columns: tuple[Column, ...]) -> bool:
    return any(
        row["contended"] and _has(row, column)
        for row in _dicts(rows)
        for column in columns
        if column.timing
    )


def _best(rows: pd.DataFrame, column: Column) -> list[int]:
    """Return the rows of the best value; timings of different machines do not compete."""
    machines = rows["machine"].nunique() if "machine" in rows else 1
    if column.better is None or len(rows) < 2 or (column.timing and machines > 1):
        return []
    values = pd.to_numeric(rows[column.values[0]])
    best = values.max() if column.better == "higher" else values.min()
    return [int(number) for number in rows.index[values == best]]
