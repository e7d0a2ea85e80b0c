"""What a person sees meanwhile: a bar on a terminal, plain lines in a log."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from bench.peers.rounds import Say

Mode = Literal["auto", "plain", "none"]


@contextmanager
def progress(mode: Mode, console: Console, steps: int) -> Iterator[Say]:
    """Yield a function to call after each of `steps`; auto is a bar on a terminal."""
    if mode == "auto" and console.is_terminal:
        columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        with Progress(*columns, console=console) as bar:
            task = bar.add_task("starts", total=steps)
            yield lambda text: bar.update(task, advance=1, description=text)
    else:
        yield _silent if mode == "none" else _line


def _silent(text: str) -> None:
    pass


def _line(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {text}", file=sys.stderr, flush=True)
