"""Every record: what ran, how it ended, its command and its environment."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from bench.records.schema import Record
from bench.records.store import Stored
from bench.reporting.format import percentage, seconds
from bench.reporting.html.source import Source
from bench.reporting.section import Column, Section
from bench.reporting.sections.grid import describe_point
from fmnist_jax.errors import printable

COLUMNS = (
    Column("record", "run.id", align="left"),
    Column("started", "run.started", "{:%Y-%m-%d %H:%M}".format, align="left"),
    Column("model", "case.model", align="left"),
    Column("status", "run.status", align="left"),
    Column("test accuracy", "quality.test_accuracy", percentage, better="higher"),
    Column("train time", "time.fit_s", seconds, timing=True),
    Column("command", "run.command", align="left"),
    Column("environment", "environment"),
    Column("error", "run.error", align="left"),
    Column("point", "point", align="left"),
    Column("seed", "case.seed"),
    Column("dataset", "case.dataset", align="left"),
    Column("machine", "machine.id", align="left"),
)


@dataclass(frozen=True)
class Environment:
    """What records of the same machine, software and code share.

    Attributes:
        number: from 1, in order of appearance.
        title: in a line.
        text: all of it, a line each.
        records: how many share it.
    """

    number: int
    title: str
    text: str
    records: int


def list_environments(stored: Mapping[str, Stored]) -> tuple[list[Environment], dict[str, int]]:
    """Return the environments, and the number of each run's."""
    by_text: dict[str, list[Record]] = {}
    for found in stored.values():
        by_text.setdefault(describe_environment(found.record), []).append(found.record)
    environments, numbers = [], {}
    for number, (text, records) in enumerate(by_text.items(), 1):
        environments.append(Environment(number, _title(records[0]), text, len(records)))
        numbers.update({record.run.id: number for record in records})
    return environments, numbers


def describe_environment(record: Record) -> str:
    """Return machine, software and code of a record, a line each; what is missing is left out."""
    parts = {
        "machine": record.machine.model_dump(exclude={"probe"}),
        "software": record.software.model_dump(),
        "code": record.code.model_dump(),
    }
    return "\n".join(
        f"{part}.{name}: {printable(value if isinstance(value, str) else json.dumps(value))}"
        for part, values in parts.items()
        for name, value in values.items()
        if value is not None and value != {}
    )


def _title(record: Record) -> str:
    software, commit = record.software, record.code.commit
    parts = [
        record.machine.id,
        f"jax {software.jax}" if software.jax else "",
        f"scikit-learn {software.sklearn}" if software.sklearn else "",
        f"commit {commit[:8]}{', changed' if record.code.dirty else ''}" if commit else "",
    ]
    return printable(", ".join(filter(None, parts)))


def records_section(environments: Mapping[str, int]) -> Section:
    """Return the section of all records, newest first.

    Args:
        environments: the number of each run's environment.
    """

    def query(frame: pd.DataFrame) -> pd.DataFrame:
        points: list[Any] = [None if p is None else describe_point(p) for p in frame["case.point"]]
        rows = frame.assign(
            point=pd.Series(points, index=frame.index, dtype="object"),
            environment=[environments[run] for run in frame["run.id"]],
            synthetic=frame["case.synthetic"].astype(bool),
            contended=frame["run.contended"].astype(bool),
        )
        return rows.sort_values("run.started", ascending=False, kind="stable", ignore_index=True)

    return Section("records", "All records, newest first", query, COLUMNS, by=())


def render_records(source: Source) -> tuple[Section, list[Environment]]:
    """Return the section of all records and the environments that it refers to."""
    environments, numbers = list_environments(source.stored)
    return records_section(numbers), environments
