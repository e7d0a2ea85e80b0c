"""Render sections: for a terminal, as Markdown, CSV, JSON, and as a fragment of HTML.

Stars on timings taken beside other work, the mark of published rows and the warning of
synthetic data are made here, once for all sections.
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape
from typing import Any, Literal, overload

import numpy as np
import pandas as pd
from rich.console import Group

from bench.reporting.rendering import terminal
from bench.reporting.rendering.text_table import TextTable, to_text
from bench.reporting.section import FLAGS, Section, Table, as_dicts, is_missing, tables

TextFormat = Literal["markdown", "csv", "json", "html"]
Plain = list[dict[str, Any]]


@overload
def render(
    section: Section, frame: pd.DataFrame, format: Literal["rich"], width: int = ...
) -> Group: ...


@overload
def render(section: Section, frame: pd.DataFrame, format: TextFormat, width: int = ...) -> str: ...


def render(
    section: Section,
    frame: pd.DataFrame,
    format: TextFormat | Literal["rich"],
    width: int = 160,
) -> Group | str:
    """Render every table of one section; without rows the result is empty.

    Args:
        section: what to show.
        frame: the records, or the comparisons, by `section.source`.
        format: rich returns a renderable; the others return text.
        width: columns of the terminal; used by rich only.
    """
    found = tables(section, frame)
    match format:
        case "rich":
            return Group(*(terminal.draw(to_text(table), width) for table in found))
        case "markdown":
            return "\n".join(_markdown(to_text(table)) for table in found)
        case "html":
            return "".join(_html(table) for table in found)
        case "csv":
            return to_csv(to_rows(section, frame))
        case "json":
            return to_json(to_rows(section, frame))


def to_rows(section: Section, frame: pd.DataFrame) -> Plain:
    """Return every row as plain values, missing ones as None; no column is left out."""
    return [
        {"section": section.name}
        | {name: to_plain(row[name]) for name in (*section.by, *FLAGS)}
        | {name: to_plain(row.get(name)) for column in table.columns for name in column.values}
        for table in tables(section, frame)
        for row in table.rows.to_dict("records")
    ]


def to_json(rows: Plain) -> str:
    """Return a list of objects."""
    return json.dumps(rows, indent=1) + "\n"


def to_csv(rows: Plain) -> str:
    """Return a heading, then a line per row; a missing value is empty, a list is JSON."""
    out = io.StringIO()
    if rows:
        headings = dict.fromkeys(heading for row in rows for heading in row)
        writer = csv.DictWriter(out, headings, lineterminator="\n")
        writer.writeheader()
        writer.writerows(
            {k: json.dumps(v) if isinstance(v, list | dict) else v for k, v in row.items()}
            for row in rows
        )
    return out.getvalue()


def to_plain(value: Any) -> Any:
    """Return a value that JSON has."""
    if is_missing(value):
        return None
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, datetime):
        return value.isoformat()
    return value


def _markdown(text: TextTable) -> str:
    marks = ["---" if column.align == "left" else "---:" for column in text.columns]
    lines = [f"**{_escaped(text.title)}**", ""]
    lines += [_line(column.heading for column in text.columns), _line(marks, escaped=True)]
    lines += [_line(cells) for cells in text.lines]
    if text.notes:
        lines += ["", "<br>\n".join(map(_escaped, text.notes))]
    return "\n".join(lines) + "\n"


def _line(texts: Iterable[str], escaped: bool = False) -> str:
    return "| " + " | ".join(text if escaped else _escaped(text) for text in texts) + " |"


def _escaped(text: str) -> str:
    """Return text in which Markdown and HTML see nothing but text."""
    flat = " ".join(escape(text, quote=False).split())
    return re.sub(r"([\\`*\[\]|])", r"\\\1", flat)


def _html(table: Table) -> str:
    text = to_text(table)
    head = "".join(
        f'<th scope="col" class="{column.align}">{escape(column.heading)}</th>'
        for column in text.columns
    )
    rows = as_dicts(text.rows)
    body = "".join(_html_row(text, number, row) for number, row in enumerate(rows))
    notes = "".join(f"<p>{escape(note)}</p>" for note in text.notes)
    kind = "section synthetic" if text.synthetic else "section"
    return (
        f'<section class="{kind}" data-section="{escape(table.section.name)}">'
        f"<table><caption>{escape(text.title)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{notes}</section>\n"
    )


def _html_row(text: TextTable, number: int, row: dict[str, Any]) -> str:
    cells = []
    for place, (column, cell) in enumerate(zip(text.columns, text.lines[number], strict=True)):
        kind = f"{column.align} best" if (number, place) in text.best else column.align
        value = to_plain(row.get(column.values[0]))
        sort = f' data-value="{escape(str(value))}"' if isinstance(value, int | float) else ""
        cells.append(f'<td class="{kind}"{sort}>{escape(cell)}</td>')
    return f"<tr>{''.join(cells)}</tr>"


def join(parts: Sequence[str]) -> str:
    """Join what several sections rendered to in Markdown or HTML."""
    return "\n".join(part for part in parts if part)
