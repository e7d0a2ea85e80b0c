"""Read a results folder for a verb, and turn sections into what it prints or writes."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from rich.console import Console

from bench.records.frame import to_parquet
from bench.reporting.frames import Frames
from bench.reporting.rendering.console import LOG_WIDTH, PlainConsole, stdout_console
from bench.reporting.rendering.formats import join, render, to_csv, to_json, to_rows
from bench.reporting.section import Section
from fmnist_jax.errors import UserError
from fmnist_jax.system.files import write_atomically
from fmnist_jax.system.paths import folder_problem

Format = Literal["rich", "markdown", "csv", "json", "html", "parquet"]


def check_folder(results: Path) -> None:
    """Check that a results folder can be read.

    Raises:
        UserError: it cannot.
    """
    if problem := folder_problem(results):
        raise UserError(
            f"the results folder {results} {problem}: python -m bench run --all makes one"
        )


def render_all(
    sections: Sequence[Section], frames: Frames, format_: Format, to_screen: bool
) -> str | bytes | None:
    """Return sections in one format; None where a person would see nothing.

    Args:
        sections: what to show, in order.
        frames: of a results folder.
        format_: parquet holds the records themselves.
        to_screen: as wide as the terminal, where the format depends on it.

    Raises:
        UserError: parquet on a screen.
    """
    if format_ == "parquet":
        if to_screen and sys.stdout.isatty():
            raise UserError("parquet is not for a screen: name a file with --out")
        return to_parquet(frames["records"].drop(columns="predictions"))
    if format_ in ("csv", "json"):
        rows = [row for section in sections for row in to_rows(section, frames[section.source])]
        if format_ == "json":
            return to_json(rows)
        return to_csv(rows) if rows else None
    if format_ == "markdown":
        return render_markdown(sections, frames) or None
    if format_ == "html":
        return join([render(s, frames[s.source], "html") for s in sections]) or None
    return _rich(sections, frames, stdout_console() if to_screen else None)


def render_markdown(sections: Sequence[Section], frames: Frames) -> str:
    """Return sections as Markdown; nothing where none has rows."""
    return join([render(s, frames[s.source], "markdown") for s in sections])


def _rich(sections: Sequence[Section], frames: Frames, screen: Console | None) -> str | None:
    console = screen or PlainConsole(width=LOG_WIDTH, no_color=True)
    with console.capture() as capture:
        for section in sections:
            console.print(render(section, frames[section.source], "rich", console.width), end="")
    return capture.get() or None


def write_file(path: Path, content: str | bytes) -> None:
    """Write a file whole, and its folder where that is missing.

    Raises:
        UserError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content.encode() if isinstance(content, str) else content)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}") from None
