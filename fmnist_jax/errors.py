"""Errors that a person can act on.

Anything the user can cause or repair (missing data, an unknown name, a folder
that cannot be written) is raised as a `UserError`, whose message is one line
that names the thing and the next step. Everything else is a bug and keeps its
traceback.
"""

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """A one-line message for the user; what a terminal would not print in it is escaped.

    Attributes:
        problem: what is wrong; without a separate remedy, the whole message.
        remedy: what to do next.
        exit_code: of a command that ends with it.
    """

    exit_code = 2

    def __init__(self, problem: str, remedy: str = "") -> None:
        message = f"{problem}: {remedy}" if remedy else problem
        super().__init__(printable(" ".join(message.split())))
        self.problem = problem
        self.remedy = remedy


class DataError(UserError):
    """A dataset is missing, damaged or not what it claims to be."""


class Diverged(Exception):
    """A loss, a weight or a prediction is not finite any more."""


def nearest(name: str, valid: Iterable[str], prefix: str = "") -> str:
    """Say which valid name `name` was probably meant to be.

    Args:
        name: what the user wrote.
        valid: the names that exist.
        prefix: what both stand behind where they are written.

    Returns:
        `"did you mean 'resnet'?"`, or the whole list where nothing is close.
    """
    lowered = {known.lower(): known for known in sorted(valid)}
    close = difflib.get_close_matches(name.lower(), lowered, n=1, cutoff=0.6)
    if close:
        return f"did you mean {prefix + lowered[close[0]]!r}?"
    return f"choose from: {', '.join(lowered.values()) or 'none there are'}"


def printable(text: object) -> str:
    """Return the text with control characters escaped, so that it cannot steer a terminal."""
    return "".join(
        c if c.isprintable() or c in "\n " else c.encode("unicode_escape").decode()
        for c in str(text)
    )


def in_one_line(error: BaseException) -> str:
    """Return the type and message of an exception without line breaks."""
    return " ".join(f"{type(error).__name__}: {error}".split())
