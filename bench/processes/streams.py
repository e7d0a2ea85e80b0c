"""Make the standard streams safe to print on, whatever they lead to."""

import codecs
import io
import os
import sys
from typing import TextIO

from fmnist_jax.errors import UserError

DEGRADE = "fmnist_jax.degrade"
_ASCII = {
    "–": "-", "—": "-", "†": "+", "×": "x", "±": "+-", "…": "...", "·": ".", "°": "deg",
    "µ": "u", "→": "->", "≥": ">=", "≤": "<=", "↑": "^", "↓": "v", "✓": "+", "✗": "x",
}  # fmt: skip


class OutputError(UserError):
    """Standard output cannot be written to."""


def prepare() -> None:
    """Wrap both standard streams; call once, when the process starts.

    A character that a stream's encoding lacks is replaced by its nearest in ASCII.
    Standard output raises `OutputError` when it is closed or full, standard error loses
    what it cannot take. A closed descriptor is opened on the null device, so that no file
    of the suite gets its number.
    """
    codecs.register_error(DEGRADE, _degrade)
    while (descriptor := os.open(os.devnull, os.O_RDWR)) < 3:
        pass
    os.close(descriptor)
    sys.stdout = _wrap(_Stdout, sys.stdout, 1)
    sys.stderr = _wrap(_Stderr, sys.stderr, 2)


class _Stream(io.TextIOWrapper):
    """A text stream that handles its own first failure; later output goes nowhere."""

    is_closed = False

    def write(self, text: str) -> int:
        try:
            if self.is_closed and text:
                raise OSError(0, "it is closed")
            return super().write(text)
        except OSError as error:
            self._fail(error)
        return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            self._fail(error)

    def _fail(self, error: OSError) -> None:
        self.is_closed = False
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, self.fileno())
        os.close(null)
        self.report(error)

    def report(self, error: OSError) -> None:
        """Say what became of the output."""


class _Stdout(_Stream):
    def report(self, error: OSError) -> None:
        if isinstance(error, BrokenPipeError):
            raise error  # the reader has seen enough
        raise OutputError(f"cannot write to standard output: {error.strerror}") from None


class _Stderr(_Stream):
    """What standard error cannot take is lost: no measurement ends for a message."""


def _wrap(kind: type[_Stream], stream: TextIO | None, descriptor: int) -> TextIO:
    """Return `stream` with the failures of `kind`; None stands for one that was closed."""
    if stream is None:
        raw = io.BufferedWriter(io.FileIO(descriptor, "w", closefd=False))
        closed = kind(raw, encoding="utf-8", errors=DEGRADE)
        closed.is_closed = True
        return closed
    if not isinstance(stream, io.TextIOWrapper):  # a stand-in, as in a notebook
        return stream
    encoding, buffered = stream.encoding, stream.line_buffering
    return kind(stream.detach(), encoding=encoding, errors=DEGRADE, line_buffering=buffered)


def _degrade(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(_ASCII.get(character, "?") for character in lacking), error.end
