"""Turn a table's rows into text."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from bench.reporting.format import MISSING
from bench.reporting.rendering.marks import SYNTHETIC, daggers, footnotes, star
from bench.reporting.section import Column, Table, as_dicts, has_values
from fmnist_jax.errors import printable


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
    rows, dicts = table.rows, as_dicts(table.rows)
    common = [column for column in table.columns if column.common and _is_common(dicts, column)]
    columns = tuple(
        column
        for column in table.columns
        if column not in common and any(has_values(row, column) for row in dicts)
    )
    title = ", ".join([table.title, *(_cell(dicts[0], column) for column in common)])
    return TextTable(
        title=printable(f"{title} ({SYNTHETIC})" if table.synthetic else title),
        columns=columns,
        lines=[_line(row, mark, columns) for row, mark in zip(dicts, daggers(dicts), strict=True)],
        best=frozenset(
            (row, place) for place, column in enumerate(columns) for row in _best(rows, column)
        ),
        notes=tuple(map(printable, [*table.notes, *footnotes(dicts, columns)])),
        rows=rows,
        synthetic=table.synthetic,
    )


def _is_common(rows: list[dict[str, Any]], column: Column) -> bool:
    values = [tuple(str(row[name]) for name in column.values) for row in rows]
    return len(set(values)) == 1


def _cell(row: dict[str, Any], column: Column) -> str:
    if not has_values(row, column):
        return MISSING
    return column.show(*(row[name] for name in column.values)) + star(row, column)


def _line(row: dict[str, Any], mark: str, columns: tuple[Column, ...]) -> list[str]:
    first, *others = [printable(_cell(row, column)) for column in columns]
    return [first + mark, *others]


def _best(rows: pd.DataFrame, column: Column) -> list[int]:
    """Return the rows of the best value; timings of different machines do not compete."""
    machines = rows["machine"].nunique() if "machine" in rows else 1
    if column.better is None or len(rows) < 2 or (column.timing and machines > 1):
        return []
    values = pd.to_numeric(rows[column.values[0]])
    best = values.max() if column.better == "higher" else values.min()
    return [int(number) for number in rows.index[values == best]]
