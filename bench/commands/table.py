"""`python -m bench table`: the sections of the report, from the records."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from rich.console import Console

from bench.records import store
from bench.records.frame import to_parquet
from bench.reporting.blocks import write_blocks
from bench.reporting.console import (
    LOG_WIDTH,
    PlainConsole,
    show_logs,
    stderr_console,
    stdout_console,
)
from bench.reporting.frames import Frames, read_frames
from bench.reporting.rendering.formats import join, render, to_csv, to_json, to_rows
from bench.reporting.section import Section, get_sections
from fmnist_jax.errors import UserError
from fmnist_jax.system.files import write_atomically
from fmnist_jax.system.paths import folder_problem

Format = Literal["rich", "markdown", "csv", "json", "html", "parquet"]


def table(
    results: Path, names: Sequence[str], format_: Format, out: Path | None, write: Path | None
) -> None:
    """Print sections, or write them to a file.

    Args:
        results: the results folder.
        names: of the sections; all where none is named.
        format_: how they are rendered; parquet holds the records themselves.
        out: the file to write; None: standard output.
        write: a Markdown file whose marked blocks are regenerated; nothing else is done then.

    Raises:
        UserError: no such section or folder, nothing to show, or a file that cannot be written.
    """
    show_logs(stderr_console())
    sections = get_sections(names)
    check_folder(results)
    if write:
        frames = read_frames(results)
        write_blocks(write, lambda name: _markdown(get_sections([name]), frames))
        return
    frames = read_frames(results, store.read_folder_id(results) or "")
    content = render_all(sections, frames, format_, out is None)
    if content is None:
        raise UserError(f"no finished record in {results}: python -m bench run --all makes some")
    if out:
        write_file(out, content)
    elif isinstance(content, bytes):
        sys.stdout.buffer.write(content)
    else:
        sys.stdout.write(content)


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
        return to_parquet(frames["records"])
    if format_ in ("csv", "json"):
        rows = [row for section in sections for row in to_rows(section, frames[section.source])]
        if format_ == "json":
            return to_json(rows)
        return to_csv(rows) if rows else None
    if format_ == "markdown":
        return _markdown(sections, frames) or None
    if format_ == "html":
        return join([render(s, frames[s.source], "html") for s in sections]) or None
    return _rich(sections, frames, stdout_console() if to_screen else None)


def _markdown(sections: Sequence[Section], frames: Frames) -> str:
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
