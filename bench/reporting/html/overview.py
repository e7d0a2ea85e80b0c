"""The first screen: what was measured, on what, and what came out."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from bench.records.schema import Record
from bench.reporting.format import count, interval, percentage, seconds, size
from bench.reporting.html.source import Source
from bench.reporting.query import SETTINGS

NEARLY_BEST = 0.02  # of validation accuracy below the best model's: still worth the time it saves
STATUSES = {"oom": "out of memory", "timeout": "timed out"}


@dataclass(frozen=True)
class Fact:
    """One result: a name, a value and what it is of."""

    name: str
    value: str
    detail: str


@dataclass(frozen=True)
class MachineFacts:
    """One machine, the software on it, and how many records it has."""

    id: str
    hardware: str
    software: str
    records: int


@dataclass(frozen=True)
class Overview:
    """What the first screen says.

    Attributes:
        measured: sentences on models, data and records.
        facts: the main results, of the first setting.
        machines: those with the most records first.
        warnings: what a reader has to know before believing it.
        synthetic: "all" or "some" of the records are of generated pictures; else empty.
    """

    measured: list[str]
    facts: list[Fact]
    machines: list[MachineFacts]
    warnings: list[str] = field(default_factory=list)
    synthetic: str = ""


def summarise(source: Source) -> Overview:
    """Make the first screen."""
    records = [found.record for found in source.stored.values()]
    synthetic = [record.case.synthetic for record in records]
    return Overview(
        measured=_measured(source, records),
        facts=_facts(source.models),
        machines=_machines(records),
        warnings=_warnings(source, records),
        synthetic="all" if records and all(synthetic) else "some" if any(synthetic) else "",
    )


def _measured(source: Source, records: list[Record]) -> list[str]:
    if not records:
        return []
    models = sorted({record.case.model for record in records})
    outside = set(source.models["model"])
    days = sorted({f"{record.run.started:%Y-%m-%d}" for record in records})
    grid = sum(record.case.point is not None for record in records)
    named = ", ".join(sorted(outside)) if outside else ", ".join(models)
    sentences = [
        f"{_number(len(outside or models), 'model')} ({named}) on "
        f"{_number(len({record.machine.id for record in records}), 'machine')}."
    ]
    if not source.models.empty:
        sentences.append(f"Data: {'; '.join(source.settings)}.")
    of_grid = f", {count(grid)} of them of a grid of hyper-parameters," if grid else ""
    sentences.append(
        f"{_number(len(records), 'record')}{of_grid} from "
        f"{days[0]}{f' to {days[-1]}' if len(days) > 1 else ''}."
    )
    return sentences


def _number(value: int, noun: str) -> str:
    return f"{count(value)} {noun}{'' if value == 1 else 's'}"


def _facts(models: pd.DataFrame) -> list[Fact]:
    """Return the results on the first setting: real data before synthetic, full sets first."""
    if models.empty:
        return []
    _, rows = next(iter(models.groupby(list(SETTINGS), sort=False, dropna=False)))
    if not rows["published"].all():  # who has records of their own asks for these
        rows = rows[~rows["published"]]
    facts = [_most_accurate(rows)]
    validation = rows["validation_accuracy"].astype("float64").fillna(-1.0)
    nearly_best = rows[validation >= validation.max() - NEARLY_BEST]
    for name, column, show, highest in (
        ("Fastest to the target", "target_s", seconds, False),
        ("Shortest training", "fit_s", seconds, False),
        ("Fastest prediction", "inference_images_per_s", _rate, True),
    ):
        known = (rows if column == "target_s" else nearly_best).dropna(subset=[column])
        if not known.empty:
            best = known.sort_values(column, ascending=not highest).iloc[0]
            star = "*" if best["contended"] else ""
            detail = f"{best['model']} on {best['machine']}, "
            if column == "target_s":
                detail += f"to {best['runs']['target.value'].iloc[-1]:.0%} on validation data"
            else:
                detail += (
                    f"{percentage(best['test_accuracy'])}; of the models within "
                    f"{100 * NEARLY_BEST:.0f} points of the best on validation data"
                )
            facts.append(Fact(name, show(best[column]) + star, detail))
    return facts


def _rate(value: float) -> str:
    return f"{count(value)} images/s"


def _most_accurate(rows: pd.DataFrame) -> Fact:
    """Return the model that is best on validation data; its test accuracy is pooled."""
    by_model = rows.groupby("model", sort=False)
    validation = by_model["validation_accuracy"].mean().astype("float64")
    name = str(validation.fillna(-1.0).idxmax())
    own = rows[rows["model"] == name]
    confusion = np.sum([np.asarray(matrix) for matrix in own["confusion"]], axis=0)
    pooled = float(np.trace(confusion) / confusion.sum())
    if len(own) > 1:
        low, high = own["test_accuracy"].min(), own["test_accuracy"].max()
        found = interval(low, high) if high > low else "the same"
        spread = f"{found} on {_number(own['machine'].nunique(), 'machine')}"
    else:
        (row,) = [row for _, row in own.iterrows()]
        spread = f"95% interval {interval(row['interval_low'], row['interval_high'])}"
    return Fact(
        "Most accurate",
        percentage(pooled),
        f"{name} on the test images; {spread}; chosen on validation data",
    )


def _machines(records: list[Record]) -> list[MachineFacts]:
    newest = {record.machine.id: record.machine for record in records}
    found = Counter(record.machine.id for record in records)
    described = []
    for id_, number in found.most_common():
        machine = newest[id_]
        device = f"{machine.accelerator_count} × {machine.accelerator}, " * bool(
            machine.accelerator
        )
        cores = f"{machine.cpu}, {_number(machine.cores, 'core')}, {size(machine.memory_bytes)}"
        described.append(MachineFacts(id_, device + cores, _software(records, id_), number))
    return described


def _software(records: list[Record], machine: str) -> str:
    """Return the versions behind the newest record of a machine, and whether others were used."""
    used = [record.software for record in records if record.machine.id == machine]
    lines = [
        ", ".join(
            f"{name} {version}"
            for name, version in (
                ("Python", software.python),
                ("jax", software.jax),
                ("jaxlib", software.jaxlib),
                ("flax", software.flax),
            )
            if version
        )
        for software in used
    ]
    others = len(set(lines)) - 1
    return lines[-1] + (
        f"; {_number(others, 'other set')} of versions in other records" if others else ""
    )


def _warnings(source: Source, records: list[Record]) -> list[str]:
    warnings = []
    ended = Counter(r.run.status for r in records if r.run.status != "ok")
    if ended:
        each = ", ".join(f"{n} {STATUSES.get(status, status)}" for status, n in ended.most_common())
        warnings.append(
            f"{_number(sum(ended.values()), 'run')} did not finish ({each}); "
            "the list of records at the end says why."
        )
    if source.models["contended"].any():
        warnings.append("A star marks timings that were taken beside other work.")
    if source.records["published"].nunique() > 1:
        warnings.append("† marks published rows: from another results folder's records.")
    return warnings
