"""Define the section: a query over the records' DataFrame and a list of columns.

A section is a decorated function without arguments in a file of
`bench/reporting/sections/`, found by the registry; `rendering/` makes every format of
it. No section prints itself.

Each row of a query's result has the boolean columns `synthetic`, `contended` and
`published`, which `render` marks, beside those that the section's columns show.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd

from bench.reporting.metric import Better, all_metrics
from fmnist_jax.registry import Registry

Row = Mapping[str, Any]
FLAGS = ("synthetic", "contended", "published")
COMPARABLE = ("dataset", "train_images", "test_images")


@dataclass(frozen=True)
class Column:
    """One column of a section.

    Attributes:
        heading: what a person reads above it.
        value: the column, or columns, of the query's result that it shows; programs get
            them as they are.
        show: formats these values; never called when one of them is missing.
        align: left for words, right for numbers.
        better: which direction is better; the best of a table is set in bold.
        priority: where a terminal is too narrow, the column with the highest goes first;
            one with 0 is never left out.
        timing: whether a value gets a star when other work ran beside it.
        common: whether a value that all rows of a table share stands in its title instead.
    """

    heading: str
    value: str | tuple[str, ...]
    show: Callable[..., str] = str
    align: Literal["left", "right"] = "right"
    better: Better | None = None
    priority: int = 0
    timing: bool = False
    common: bool = False

    @property
    def values(self) -> tuple[str, ...]:
        """The names in `value`."""
        return (self.value,) if isinstance(self.value, str) else self.value


Query = Callable[[pd.DataFrame], pd.DataFrame]


@dataclass(frozen=True)
class Section:
    """A query and its columns.

    Attributes:
        name: what it is called on the command line.
        title: heads each table; with a function, made from the table's first row.
        query: takes the frame of all records to the rows of this section, in order.
        columns: what is shown; a function makes them from the query's rows.
        notes: footnotes; a function makes them from the rows of a table.
        by: columns whose values a table has in common, so that only rows that can be
            compared stand together.
        source: the frame that the query takes: of the runs' records, or of the
            comparisons with other frameworks.
        order: its place among the sections, the smallest first.
    """

    name: str
    title: str | Callable[[Row], str]
    query: Query
    columns: Sequence[Column] | Callable[[pd.DataFrame], Sequence[Column]]
    notes: Sequence[str] | Callable[[pd.DataFrame], Sequence[str]] = ()
    by: tuple[str, ...] = COMPARABLE
    source: Literal["records", "peers"] = "records"
    order: int = 50


@dataclass(frozen=True)
class Table:
    """The rows of a section that can be compared, with all that heads and follows them."""

    section: Section
    rows: pd.DataFrame
    title: str
    columns: tuple[Column, ...]
    notes: tuple[str, ...] = field(default=())

    @property
    def synthetic(self) -> bool:
        """Whether the rows are of generated pictures."""
        return bool(self.rows["synthetic"].any())


SECTIONS: Registry[Callable[[], Section]] = Registry(
    "section", "SECTIONS", "bench.reporting.sections"
)


def get_sections(names: Sequence[str] = ()) -> list[Section]:
    """Return the sections of these names in the given order, all where none is named.

    Raises:
        UserError: there is no such section; the message names the nearest one.
    """
    for name in names:
        SECTIONS.check(name)
    if names:
        return [SECTIONS[name]() for name in dict.fromkeys(names)]
    return sorted((SECTIONS[name]() for name in SECTIONS.catalogue), key=lambda s: s.order)


def metric_columns(section: str) -> list[Column]:
    """Return a column for each metric that names `section`, the most important first."""
    return [
        Column(
            metric.description,
            name,
            show=metric.show,
            better=metric.better,
            priority=metric.priority,
            timing=metric.timing,
        )
        for name, metric in all_metrics().items()
        if section in metric.sections
    ]


def tables(section: Section, frame: pd.DataFrame) -> list[Table]:
    """Run the query and part its rows into tables, in order of appearance."""
    rows = section.query(frame)
    if rows.empty:
        return []
    columns = tuple(section.columns(rows) if callable(section.columns) else section.columns)
    parts: list[pd.DataFrame] = [rows]
    if section.by:
        parts = [part for _, part in rows.groupby(list(section.by), sort=False, dropna=False)]
    return [_table(section, part.reset_index(drop=True), columns) for part in parts]


def _table(section: Section, rows: pd.DataFrame, columns: tuple[Column, ...]) -> Table:
    first = {str(name): value for name, value in rows.iloc[0].items()}
    title = section.title(first) if callable(section.title) else section.title
    notes = section.notes(rows) if callable(section.notes) else section.notes
    return Table(section, rows, title, columns, tuple(notes))


def describe(row: Row) -> str:
    """Say what the rows of a table have in common: dataset and number of images."""
    sizes = [
        f"{int(row[name]):,} {kind} images"
        for name, kind in (("train_images", "training"), ("test_images", "test"))
        if name in row and not is_missing(row[name])
    ]
    return ", ".join([str(row["dataset"]), *sizes])


def as_dicts(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows as dictionaries, from the names of the columns."""
    return [{str(name): value for name, value in row.items()} for row in rows.to_dict("records")]


def has_values(row: Row, column: Column) -> bool:
    """Whether a row has all that a column shows."""
    return not any(is_missing(row.get(name)) for name in column.values)


def is_missing(value: Any) -> bool:
    """Whether a cell has no value."""
    return value is None or (pd.api.types.is_scalar(value) and bool(pd.isna(value)))
