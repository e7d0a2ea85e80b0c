"""Open consoles: standard output for results, standard error for progress and messages.

Everything that comes from outside (paths, names, messages, records) is printed as
text: markup, emoji codes and highlighting are off for every console made here.
"""

import logging
import os
import sys

from rich.console import Console
from rich.highlighter import NullHighlighter
from rich.logging import RichHandler

LOG_WIDTH = 160  # columns, where stdout is not a terminal and nothing limits a line


class PlainConsole(Console):
    """A console that prints text as it is, and leaves a broken pipe to the caller."""

    def __init__(self, **settings: object) -> None:
        plain = {"markup": False, "emoji": False, "highlight": False}
        super().__init__(**(plain | settings))  # type: ignore[arg-type]

    def on_broken_pipe(self) -> None:
        """Raise the error that is being handled, where rich would end the process."""
        raise


def stdout_console() -> PlainConsole:
    """Open standard output, as wide as the terminal or COLUMNS, else 160 columns."""
    has_width = sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdigit()
    return PlainConsole(width=None if has_width else LOG_WIDTH)


def stderr_console() -> PlainConsole:
    """Open standard error, as wide as the terminal."""
    return PlainConsole(stderr=True)


def show_logs(console: Console) -> None:
    """Send the library's messages to `console`."""
    handler = RichHandler(
        console=console, show_time=False, show_path=False, highlighter=NullHighlighter()
    )
    log = logging.getLogger("fmnist_jax")
    log.handlers[:] = [handler]
    log.setLevel(logging.INFO)
    log.propagate = False
