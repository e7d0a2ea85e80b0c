"""`python -m bench compare`: the records of several machines, side by side."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from bench.records import store
from bench.reporting.comparison.comparable import choose_baseline, machines, tell_published_apart
from bench.reporting.frames import read_frames
from bench.reporting.rendering.console import show_logs, stderr_console
from bench.reporting.rendering.output import check_folder, render_all
from bench.reporting.sections.compare import section
from fmnist_jax.errors import UserError, nearest


def compare(
    results: Path,
    names: Sequence[str],
    baseline: str | None,
    format_: Literal["rich", "markdown", "csv", "json"],
) -> None:
    """Print the comparison.

    Args:
        results: the results folder.
        names: of the machines; all where none is named.
        baseline: the one that the others are related to; None is the first of several
            names, else the one that most runs of others can be compared with.
        format_: how the tables are rendered.

    Raises:
        UserError: no such folder or machine, or there is only one.
    """
    show_logs(stderr_console())
    check_folder(results)
    frames = read_frames(results, store.read_folder_id(results) or "")
    records = tell_published_apart(frames["records"])
    known = machines(records)
    for name in (*names, *filter(None, [baseline])):
        if name not in known:
            raise UserError(f"no record of machine {name!r} in {results}: {nearest(name, known)}")
    if not known:
        raise UserError(f"no finished record in {results}: python -m bench run --all makes some")
    base = baseline or (names[0] if len(names) > 1 else choose_baseline(records))
    if not set(names or known) - {base}:
        raise UserError(_only(base, known, results))
    content = render_all([section(names, base)], frames, format_, to_screen=True)
    sys.stdout.write(str(content or ""))


def _only(machine: str, known: Sequence[str], results: Path) -> str:
    """Say that there is nothing to compare with, and what to do."""
    if others := [name for name in known if name != machine]:
        return (
            f"{machine} would be compared with itself: name another machine, or another "
            f"--baseline; {results} has {', '.join(others)} too"
        )
    return (
        f"{results} has records of {machine} alone: run python -m bench run --all on another "
        f"machine, and copy its folder of {results.name}/ beside {results.name}/{machine}/"
    )
