"""Tell what is to be run from what a results folder holds already."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.records import identity, store
from bench.records.provenance import Provenance
from bench.records.schema import Case
from bench.records.store import Stored


@dataclass(frozen=True)
class PendingCases:
    """What a results folder leaves to be done.

    Attributes:
        todo: cases still to run.
        done: records that make the others unnecessary.
        seen: the files that were read. A finished record that is not among them is another
            run's, and taken over.
        finished: what else is finished there, for machines that join later.
    """

    todo: Sequence[Case]
    done: Sequence[Stored] = ()
    seen: frozenset[Path] = frozenset()
    finished: Mapping[str, Stored] = field(default_factory=dict)


def find_pending(
    cases: Sequence[Case], hosts: Sequence[Provenance], results: Path, fresh: bool = False
) -> PendingCases:
    """Tell what one of `hosts` has finished from what is to be run, which is all if `fresh`."""
    seen: set[Path] = set()
    finished = store.finished(results, seen=seen)
    if fresh:
        finished = {}
    todo, done = [], []
    for case in unique(cases):
        if record := find_record(case, hosts, finished):
            done.append(record)
        else:
            todo.append(case)
    return PendingCases(todo, done, frozenset(seen), finished)


def unique(cases: Iterable[Case]) -> Iterable[Case]:
    """Return each case once."""
    return {identity.digest_case(case): case for case in cases}.values()


def find_record(
    case: Case, hosts: Sequence[Provenance], finished: Mapping[str, Stored]
) -> Stored | None:
    """Return the finished record of `case` on one of the machines."""
    keys = (identity.digest_run(case, host) for host in hosts)
    return next((finished[key] for key in keys if key in finished), None)
