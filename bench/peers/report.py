"""The table of a comparison: speed, and how many times faster this suite is, round by round."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from rich.table import Table
from rich.text import Text

from bench.peers.protocol import Kind
from bench.peers.schema import Comparison, Entry

OURS = "ours"
LABELS = {"torch": "PyTorch", "keras": "Keras"}
NOTE = (
    "img/s, or ms where a batch is one image: median of the rounds (least to most); "
    "×: this suite's speed over the row's, in the same round"
)

Rates = list[float | None]  # images/s per round
Column = tuple[Kind, int]


@dataclass(frozen=True)
class Row:
    """A entrant, or the best of a framework's variants; rates by column."""

    name: str
    status: str
    rates: dict[Column, Rates]


def rows(entries: Sequence[Entry]) -> list[Row]:
    """The entrants of one model, each framework with several variants followed by its best."""
    made: list[Row] = []
    for framework in dict.fromkeys(entry.framework for entry in entries):
        variants = [_row(entry) for entry in entries if entry.framework == framework]
        made += variants
        if framework != OURS and sum(bool(row.rates) for row in variants) > 1:
            made.append(_best(framework, variants))
    return made


def _row(entry: Entry) -> Row:
    status = "" if entry.status == "ok" else f"{entry.status}: {entry.error}"
    return Row(entry.name, status, {(s.kind, s.batch): s.images_per_s for s in entry.samples})


def _best(framework: str, variants: Sequence[Row]) -> Row:
    """In each column the variant of the highest median."""
    rates: dict[Column, Rates] = {}
    for row in variants:
        for column, own in row.rates.items():
            rates[column] = max(rates.get(column, []), own, key=_median)
    return Row(f"best of {LABELS.get(framework, framework)}", "", rates)


def _median(rates: Rates) -> float:
    known = [rate for rate in rates if rate is not None]
    return median(known) if known else 0.0


def ratios(ours: Rates, theirs: Rates) -> list[float]:
    """How many times faster ours is, in every round that both finished."""
    pairs = zip(ours, theirs, strict=True)
    return [mine / other for mine, other in pairs if mine is not None and other is not None]


def table(made: Comparison, model: str) -> Table:
    """The figures of one model."""
    entries = [entry for entry in made.entries if entry.model == model]
    config = made.config
    columns: list[Column] = [
        *(("train", batch) for batch in config.train_batches),
        *(("predict", batch) for batch in config.predict_batches),
    ]
    parameters = next((entry.parameters for entry in entries if entry.parameters), None)
    size = f"{parameters:,} parameters, " if parameters else ""
    shown = Table(
        title=f"{model}: {size}{config.dtype}, {made.machine.id}, {config.threads} threads, "
        f"{config.rounds} rounds",
        caption=NOTE,
        title_style="bold",
    )
    shown.add_column("")
    for kind, batch in columns:
        shown.add_column(f"{kind}, batch {batch}", justify="right")
    found = rows(entries)
    ours = found[0].rates
    for row in found:
        cells = [_cell(ours.get(c, []), row.rates.get(c, []), c) for c in columns]
        shown.add_row(
            Text(f"{row.name}\n{row.status}" if row.status else row.name, overflow="fold"),
            *cells,
            style="red" if row.status else "italic" if row.name.startswith("best") else None,
        )
    return shown


def _cell(ours: Rates, theirs: Rates, column: Column) -> str:
    known = [rate for rate in theirs if rate is not None]
    if not known:
        return "–"
    if column[1] == 1:
        times = sorted(1e3 / rate for rate in known)
        speed = f"{median(times):.2f} ms ({times[0]:.2f}–{times[-1]:.2f})"
    else:
        speed = f"{median(known):,.0f} ({min(known):,.0f}–{max(known):,.0f})"
    factors = ratios(ours, theirs) if ours else []
    if not factors or theirs is ours:
        return speed
    spread = f"({min(factors):.2f}–{max(factors):.2f})"
    return f"{speed}\n{median(factors):.2f}× {spread}"


def versions(made: Comparison) -> str:
    """One line under the tables."""
    return ", ".join(f"{name} {version}" for name, version in made.versions.items())
