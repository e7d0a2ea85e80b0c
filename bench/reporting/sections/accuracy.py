"""The accuracy table, from records: for the terminal, for Markdown and for programs."""

import csv
import io
import json
import sys
import textwrap
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Literal

from rich.console import Console
from rich.table import Table as RichTable

from bench.records.schema import Record
from bench.reporting.metrics import METRICS, accuracy_interval, percentage
from fmnist_jax.errors import UserError
from fmnist_jax.system.files import write_atomically

BEGIN, END = "<!-- fmnist-jax table: begin -->", "<!-- fmnist-jax table: end -->"
SYNTHETIC = "synthetic"
LOG_WIDTH = 160  # columns, where stdout is not a terminal and nothing limits a line
SYNTHETIC_NOTE = "SYNTHETIC DATA: generated pictures, says nothing about Fashion-MNIST"


@dataclass(frozen=True)
class Row:
    """One model on one machine, over its seeds.

    Attributes:
        model: its name.
        machine: where the timings come from.
        seeds: how many runs stand behind the row.
        contended: any of them shared the machine with other work.
        accuracy: pooled share of right test predictions.
        interval: Wilson's 95% interval of it.
        figures: the median over the seeds of every metric.
    """

    model: str
    machine: str
    seeds: int
    contended: bool
    accuracy: float
    interval: tuple[float, float]
    figures: dict[str, float | None]


@dataclass(frozen=True)
class Table:
    """Comparable rows: one dataset, one size of training and test set."""

    dataset: str
    train_images: int | None
    test_images: int
    rows: tuple[Row, ...]

    @property
    def title(self) -> str:
        """What the rows have in common, with the warning that synthetic data needs."""
        size = f", {self.train_images:,} training images" if self.train_images else ""
        title = f"{self.dataset}{size}, {self.test_images:,} test images"
        return f"{title} ({SYNTHETIC_NOTE})" if self.dataset == SYNTHETIC else title


def tables(records: Iterable[Record]) -> list[Table]:
    """Group finished records into tables, real data first, the full sets before subsets.

    Of each model on each machine, the newest config counts, with the newest run
    of each of its seeds: nothing is chosen by its test accuracy. Grids have
    summaries of their own.
    """
    groups: dict[tuple[Any, ...], dict[tuple[str, str], list[Record]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for record in sorted(records, key=lambda record: record.run.started):
        if record.run.status == "ok" and record.quality.confusion and not record.case.point:
            size = record.case.config["data"]["train_images"]
            tested = sum(map(sum, record.quality.confusion))
            group = (record.case.dataset == SYNTHETIC, record.case.dataset, size, tested)
            groups[group][record.machine.id, record.case.model].append(record)
    ordered = sorted(
        groups, key=lambda group: (group[0], group[1], group[2] is not None, group[2:])
    )
    return [
        Table(dataset, size, tested, _rows(groups[synthetic, dataset, size, tested].values()))
        for synthetic, dataset, size, tested in ordered
    ]


def _rows(runs: Iterable[list[Record]]) -> tuple[Row, ...]:
    return tuple(sorted(map(_row, runs), key=lambda row: (row.machine, -row.accuracy)))


def _row(records: Sequence[Record]) -> Row:
    newest = records[-1]
    config = [r for r in records if r.case.config_hash == newest.case.config_hash]
    chosen = list({r.case.seed: r for r in config}.values())
    same = [r for r in config if (r.software, r.code) == (newest.software, newest.code)]
    confusions = [record.quality.confusion or [] for record in chosen]
    correct = sum(matrix[i][i] for matrix in confusions for i in range(len(matrix)))
    total = sum(sum(map(sum, matrix)) for matrix in confusions)
    return Row(
        model=chosen[0].case.model,
        machine=chosen[0].machine.id,
        seeds=len(chosen),
        contended=any(record.run.contended for record in chosen),
        accuracy=correct / total,
        interval=accuracy_interval(correct, total),
        figures={
            name: _median(same if metric.any_run else chosen, name)
            for name, metric in METRICS.items()
        },
    )


def _median(records: Sequence[Record], metric: str) -> float | None:
    values = [METRICS[metric].function(record) for record in records]
    known = [value for value in values if value is not None]
    return median(known) if known else None


HEADINGS = (
    "model",
    "test accuracy",
    "95% interval",
    *(metric.description for metric in METRICS.values() if metric.timing and metric.main),
    "parameters",
    "machine",
)


def cells(row: Row) -> list[str]:
    """A row as it is printed; a star marks timings taken beside other work."""
    star = "*" if row.contended else ""
    timings = [
        "–" if (value := row.figures[name]) is None else metric.show(value) + star
        for name, metric in METRICS.items()
        if metric.timing and metric.main
    ]
    parameters = row.figures["parameters"]
    low, high = row.interval
    return [
        row.model + (f" ({row.seeds} seeds)" if row.seeds > 1 else ""),
        percentage(row.accuracy),
        f"{100 * low:.2f}–{100 * high:.2f}",
        *timings,
        "–" if parameters is None else METRICS["parameters"].show(parameters),
        row.machine,
    ]


WORDS = ("model", "machine")  # not numbers, so aligned to the left
LEAST_FIRST = (
    "machine",
    "latency, 1 image",
    "time to target",
    "compile",
    "predict images/s",
    "95% interval",
)
FOOTNOTE = "* timed beside other work"


def screen() -> Console:
    """Standard output, wide where it is no terminal; numbers are not coloured by chance."""
    width = None if sys.stdout.isatty() else LOG_WIDTH
    return Console(width=width, highlight=False)


def rich(table: Table, width: int) -> RichTable:
    """For a terminal of `width` columns; what matters least is left out where it is narrow."""
    kept, lines = list(HEADINGS), [cells(row) for row in table.rows]
    for unwanted in (None, *LEAST_FIRST):
        if unwanted:
            at = kept.index(unwanted)
            kept.pop(at)
            lines = [line[:at] + line[at + 1 :] for line in lines]
        widths = [
            max(map(len, [*heading.split(), *column]))
            for heading, column in zip(kept, zip(*lines, strict=True), strict=True)
        ]
        if sum(widths) + 3 * len(widths) + 1 <= width:
            break
    notes = [FOOTNOTE] if any(row.contended for row in table.rows) else []
    if len(kept) < len(HEADINGS):
        notes.append("a wider terminal shows more columns")
    made = RichTable(
        title=table.title,
        caption="; ".join(notes) or None,
        title_style="bold red" if table.dataset == SYNTHETIC else "bold",
    )
    for heading, least in zip(kept, widths, strict=True):
        justify: Literal["left", "right"] = "left" if heading in WORDS else "right"
        made.add_column(textwrap.fill(heading, least), justify=justify, no_wrap=True)
    for line in lines:
        made.add_row(*line)
    return made


def markdown(found: Sequence[Table]) -> str:
    """Every table under a heading of its own; empty without any."""
    blocks = []
    for table in found:
        lines = [f"**{table.title}**", "", *lines_of(HEADINGS, WORDS, map(cells, table.rows))]
        if any(row.contended for row in table.rows):
            lines += ["", FOOTNOTE.replace("*", r"\*")]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n" if blocks else ""


def lines_of(
    headings: Sequence[str], words: Sequence[str], rows: Iterable[Sequence[str]]
) -> list[str]:
    """A Markdown table; the columns in `words` are aligned to the left, numbers to the right."""
    marks = ["---" if heading in words else "---:" for heading in headings]
    return [_line(headings), _line(marks), *map(_line, rows)]


def _line(texts: Iterable[str]) -> str:
    return "| " + " | ".join(text.replace("*", r"\*") for text in texts) + " |"


Plain = list[dict[str, Any]]


def flat(found: Sequence[Table]) -> Plain:
    """Every row as plain values, for JSON and CSV."""
    return [
        {
            "dataset": table.dataset,
            "synthetic": table.dataset == SYNTHETIC,
            "grid": False,
            "train_images": table.train_images,
            "test_images": table.test_images,
            "model": row.model,
            "machine": row.machine,
            "seeds": row.seeds,
            "contended": row.contended,
            "interval_low": row.interval[0],
            "interval_high": row.interval[1],
            **row.figures,
            "test_accuracy": row.accuracy,
        }
        for table in found
        for row in table.rows
    ]


def as_json(rows: Plain) -> str:
    """A list of objects."""
    return json.dumps(rows, indent=1) + "\n"


def as_csv(rows: Plain) -> str:
    """A heading, then a line per row; empty where a figure is missing."""
    out = io.StringIO()
    if rows:
        headings = dict.fromkeys(heading for row in rows for heading in row)
        writer = csv.DictWriter(out, headings, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return out.getvalue()


def write_block(path: Path, text: str) -> None:
    """Put `text` between the markers of the file.

    Raises:
        UserError: no such file, or it does not hold both markers.
    """
    try:
        before = path.read_text(encoding="utf-8")
        head, begin, rest = before.partition(BEGIN)
        _, end, tail = rest.partition(END)
        if not begin or not end:
            raise UserError(f"{path} has no table block: add the lines {BEGIN} and {END} to it")
        write_atomically(path, f"{head}{BEGIN}\n{text}{END}{tail}".encode())
    except OSError as error:
        raise UserError(f"cannot write the table to {path}: {error.strerror}") from None
