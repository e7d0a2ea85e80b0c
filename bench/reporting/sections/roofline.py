"""What the training of the networks costs, and which limit of the machine binds it."""

from collections.abc import Sequence

from rich.table import Table as RichTable

from bench.reporting.metrics import METRICS
from bench.reporting.sections.accuracy import Row, Table, lines_of

SHOWN = (
    "train_flops",
    "flops_share",
    "bandwidth_share",
    "peak_memory_bytes",
    "compile_s",
    "compile_cached_s",
)
TITLE = "Training against what the machine reached"
HEADINGS = ("model", *(METRICS[name].description for name in SHOWN), "what binds", "machine")
WORDS = ("model", "what binds", "machine")
# Below this share of both, what takes the time is neither: many small operations,
# waiting for one another, the calls from the host.
BUSY = 0.25


def bottleneck(row: Row) -> str | None:
    """The nearer limit of a simple roofline (Williams et al. 2009, doi 10.1145/1498765.1498785)."""
    flops, bandwidth = row.figures["flops_share"], row.figures["bandwidth_share"]
    if flops is None or bandwidth is None:
        return None
    if max(flops, bandwidth) < BUSY:
        return "overhead"
    return "arithmetic" if flops >= bandwidth else "memory"


def rows(tables: Sequence[Table]) -> list[Row]:
    """The rows of networks, whose arithmetic is known."""
    return [row for table in tables for row in table.rows if row.figures["train_flops"] is not None]


def rich(found: Sequence[Row]) -> RichTable:
    """For a terminal."""
    made = RichTable(title=TITLE, title_style="bold")
    for heading in HEADINGS:
        made.add_column(heading, justify="left" if heading in WORDS else "right")
    for row in found:
        made.add_row(*_cells(row))
    return made


def markdown(tables: Sequence[Table]) -> str:
    """A block per table that has networks; empty without any."""
    blocks = []
    for table in tables:
        if found := rows([table]):
            lines = lines_of(HEADINGS, WORDS, map(_cells, found))
            blocks.append("\n".join([f"**{TITLE}: {table.title}**", "", *lines]))
    return "\n\n".join(blocks) + "\n" if blocks else ""


def _cells(row: Row) -> list[str]:
    star = "*" if row.contended else ""
    figures = [
        "–" if (value := row.figures[name]) is None else METRICS[name].show(value) + star
        for name in SHOWN
    ]
    return [row.model, *figures, bottleneck(row) or "–", row.machine]
