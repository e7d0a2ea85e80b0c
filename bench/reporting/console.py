"""Open the two output streams: standard output for results, standard error for progress.

Everything that comes from outside (paths, names, messages, records) is printed as
text: markup, emoji codes and highlighting are off for every console made here.
"""

import codecs
import io
import os
import sys
from typing import IO, TextIO, cast

from rich.console import Console

from fmnist_jax.errors import UserError

LOG_WIDTH = 160  # columns, where stdout is not a terminal and nothing limits a line
DEGRADE = "fmnist_jax.degrade"
_ASCII = {
    "–": "-", "—": "-", "†": "+", "×": "x", "±": "+-", "…": "...", "·": ".",
    "°": "deg", "µ": "u", "→": "->", "≥": ">=", "≤": "<=",
}  # fmt: skip


class OutputError(UserError):
    """Standard output cannot be written to."""


def stdout_console() -> Console:
    """Open standard output, as wide as the terminal or COLUMNS, else 160 columns."""
    wide = sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdigit()
    return _Console(file=sys.stdout, width=None if wide else LOG_WIDTH, **_PLAIN)


def stderr_console() -> Console:
    """Open standard error, as wide as the terminal."""
    return _Console(file=sys.stderr, **_PLAIN)


def printable(text: object) -> str:
    """Return the text with control characters escaped, so that it cannot steer a terminal."""
    return "".join(
        c if c.isprintable() or c in "\n " else c.encode("unicode_escape").decode()
        for c in str(text)
    )


def prepare_streams() -> None:
    """Make both streams safe to print on; call once, when the process starts.

    A character that the stream's encoding lacks is replaced. Standard output raises
    `OutputError` when it is closed or full, standard error loses what it cannot take.
    A closed descriptor is opened on the null device, so that no file of the suite
    gets its number.
    """
    codecs.register_error(DEGRADE, _degrade)
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
    sys.stdout = _Stdout.over(sys.stdout, 1)
    sys.stderr = _Stderr.over(sys.stderr, 2)


_PLAIN = {"markup": False, "emoji": False, "highlight": False}


class _Console(Console):
    """A console that leaves a broken pipe to the caller."""

    def on_broken_pipe(self) -> None:
        raise


class _Stream(io.TextIOWrapper):
    """A text stream over one descriptor whose failure is handled in one place."""

    closed_from_start = False

    @classmethod
    def over(cls, stream: TextIO | None, number: int) -> "_Stream":
        """Wrap `stream`; None, as for a descriptor that was closed, is a stream that fails."""
        if isinstance(stream, io.TextIOWrapper):
            encoding, buffered = stream.encoding, stream.line_buffering
            raw = cast(IO[bytes], stream.detach())
            return cls(raw, encoding=encoding, errors=DEGRADE, line_buffering=buffered)
        raw = io.BufferedWriter(io.FileIO(number, "w", closefd=False))
        missing = cls(raw, encoding="utf-8", errors=DEGRADE)
        missing.closed_from_start = stream is None
        return missing

    def write(self, text: str) -> int:
        try:
            if self.closed_from_start:
                raise OSError(0, "it is closed")
            return super().write(text)
        except OSError as error:
            self._silence()
            self.fail(error)
        return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            self._silence()
            self.fail(error)

    def _silence(self) -> None:
        """Send what is still buffered, and all that follows, to the null device."""
        self.closed_from_start = False
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, self.fileno())
        os.close(null)

    def fail(self, error: OSError) -> None:
        """Handle the first failure; later output goes nowhere."""


class _Stdout(_Stream):
    def fail(self, error: OSError) -> None:
        if isinstance(error, BrokenPipeError):
            raise error  # the reader has seen enough
        raise OutputError(f"cannot write to standard output: {error.strerror}") from None


class _Stderr(_Stream):
    """What standard error cannot take is lost: no measurement ends for a message."""


def _degrade(error: UnicodeError) -> tuple[str, int]:
    """Replace characters that an encoding lacks by their nearest in ASCII."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(_ASCII.get(character, "?") for character in lacking), error.end
