"""Define what an examination takes and what it finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:  # where a package is missing, that is a finding and no error
    from bench.records.provenance import Provenance
    from bench.records.schema import Record

Status = Literal["ok", "warning", "problem"]


@dataclass(frozen=True)
class Finding:
    """One thing that was examined.

    Attributes:
        topic: a word or two for what it is.
        status: a warning leaves a run possible, a problem does not.
        text: what was found, in one line.
        remedy: the command, or the step, that mends it.
        facts: the figures behind the text, for programs.
    """

    topic: str
    status: Status
    text: str
    remedy: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Situation:
    """What is examined.

    Attributes:
        results: the results folder, which may not be there.
        data_dir: the folder with the official files, if one is named.
        host: this machine, where JAX starts on it.
        problem: why JAX does not start, where it does not.
        records: all that the results folder holds.
        published: those that came with the suite, where the results folder is another one.
    """

    results: Path
    data_dir: Path | None = None
    host: Provenance | None = None
    problem: str = ""
    records: tuple[Record, ...] = ()
    published: tuple[Record, ...] = ()
