"""Define the chart: views of one question, each with the traces that plotly draws.

Traces are plain dictionaries in plotly's own terms. Colours are not in them: a trace
names a series by number (`meta`), and the page colours it by the reader's theme.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

from bench.reporting.section import is_missing
from fmnist_jax.errors import printable

Trace = dict[str, Any]
Layout = dict[str, Any]
# Marker symbols that tell machines apart; further machines share the last.
SYMBOLS = ("circle", "diamond", "square", "triangle-up", "cross", "star", "x", "circle-open")


@dataclass(frozen=True)
class View:
    """One state of a chart, chosen by the reader.

    Attributes:
        label: its name among the views.
        data: traces.
        group: heads the views that belong together, such as those of a machine.
        layout: what differs from the chart's own layout.
    """

    label: str
    data: Sequence[Trace]
    group: str = ""
    layout: Layout = field(default_factory=dict)


@dataclass(frozen=True)
class Chart:
    """A question with one or more views.

    Attributes:
        name: of its element in the page.
        title: heads it.
        about: what is shown and how to read it.
        views: at least one.
        layout: of all views, in plotly's terms.
        trace: what the traces have in common; each may say otherwise.
        height: pixels.
    """

    name: str
    title: str
    about: str
    views: Sequence[View]
    layout: Layout = field(default_factory=dict)
    trace: Trace = field(default_factory=dict)
    height: int = 440

    @property
    def groups(self) -> list[tuple[str, list[tuple[int, View]]]]:
        """The views with their numbers, by group in order of appearance."""
        found: dict[str, list[tuple[int, View]]] = {}
        for number, view in enumerate(self.views):
            found.setdefault(view.group, []).append((number, view))
        return list(found.items())

    def to_json(self) -> dict[str, Any]:
        """Return what the page's script takes."""
        views = [{"data": list(view.data), "layout": view.layout} for view in self.views]
        return {"layout": self.layout, "trace": self.trace, "views": views}


def series(models: Iterable[str]) -> dict[str, int]:
    """Number the models, so that each has one colour in all charts."""
    return {model: number for number, model in enumerate(dict.fromkeys(models))}


def text(value: object) -> str:
    """Return text in which plotly sees no markup, for names and hover."""
    return escape(printable(value), quote=False)


def number(value: Any, digits: int = 6) -> float | None:
    """Return a finite figure in few digits, as JSON has it."""
    if is_missing(value) or not math.isfinite(value):
        return None
    return float(f"{float(value):.{digits}g}")


def percent(value: Any) -> float | None:
    """Return a share as percent."""
    return None if is_missing(value) else number(100 * value)
