"""`python -m bench table`: the sections of the report, from the records."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from bench.records import store
from bench.reporting.frames import Frames, read_frames
from bench.reporting.rendering.blocks import write_blocks
from bench.reporting.rendering.console import show_logs, stderr_console
from bench.reporting.rendering.output import (
    Format,
    check_folder,
    render_all,
    render_markdown,
    write_file,
)
from bench.reporting.section import get_sections
from fmnist_jax.errors import UserError


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
        write_blocks(write, lambda name: _block(name, frames))
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


def _block(name: str, frames: Frames) -> str:
    """Return the Markdown of a block: "section machine ... column=value ..."."""
    section, *words = name.split()
    wanted = dict(word.split("=", 1) for word in words if "=" in word)
    machines = [word for word in words if "=" not in word]
    records = frames["records"]
    if machines:
        records = records[records["machine.id"].isin(machines)]
    (whole,) = get_sections([section])

    def query(frame: pd.DataFrame) -> pd.DataFrame:
        rows = whole.query(frame)
        for column, value in wanted.items():
            rows = rows[rows[column] == value]
        return rows

    return render_markdown([replace(whole, query=query)], {**frames, "records": records})
