"""Draw a table of text for a terminal of any width."""

import textwrap

from rich.cells import cell_len
from rich.console import Group
from rich.table import Table as RichTable
from rich.text import Text

from bench.reporting.rendering.marks import CONTENDED
from bench.reporting.rendering.text_table import TextTable

WIDER = "left out for want of width: "


def draw(text: TextTable, width: int) -> Group:
    """Draw the table, its title and its notes, in `width` columns.

    Columns of low priority go first. Where not even those that always stay fit, each
    row becomes a short paragraph: its name on a line, the figures below. No text is cut.
    """
    places = _fit(text, width)
    style = "bold red" if text.synthetic else "bold"
    body = _table(text, places) if places else _paragraphs(text)
    shown = [line[place] for line in text.lines for place in places or range(len(line))]
    has_star = any("*" in cell for cell in shown)
    notes = [note for note in text.notes if has_star or note != CONTENDED]
    missing = [c.heading for i, c in enumerate(text.columns) if places and i not in places]
    if missing:
        notes.append(WIDER + "; ".join(missing))
    return Group(
        Text(text.title, style=style),
        body,
        *(Text(note, style="dim") for note in notes),
        Text(""),
    )


def _fit(text: TextTable, width: int) -> list[int]:
    """Return the columns that fit, in their order; none where a table cannot be had."""
    places = list(range(len(text.columns)))
    while sum(_width(text, place) for place in places) + 3 * len(places) + 1 > width:
        least = max(places, key=lambda place: (text.columns[place].priority, place))
        if text.columns[least].priority == 0:
            return []
        places.remove(least)
    return places


def _width(text: TextTable, place: int) -> int:
    """Return the columns of a terminal that a cell needs; headings may break at spaces."""
    words = text.columns[place].heading.split()
    texts = [*words, *(part for line in text.lines for part in line[place].split("\n"))]
    return max(map(cell_len, texts), default=0)


def _table(text: TextTable, places: list[int]) -> RichTable:
    shown = RichTable()
    for place in places:
        column, width = text.columns[place], _width(text, place)
        heading = Text(textwrap.fill(column.heading, width, break_on_hyphens=False))
        shown.add_column(heading, justify=column.align, no_wrap=True, min_width=width)
    for number, line in enumerate(text.lines):
        cells = [
            Text(line[place], style="bold" if (number, place) in text.best else "")
            for place in places
        ]
        shown.add_row(*cells)
    return shown


def _paragraphs(text: TextTable) -> Group:
    lines = []
    for line in text.lines:
        lines.append(Text(line[0], style="bold", overflow="fold"))
        pairs = zip(text.columns[1:], line[1:], strict=True)
        lines += [Text(f"  {column.heading}: {cell}", overflow="fold") for column, cell in pairs]
    return Group(*lines)
