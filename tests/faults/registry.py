"""A fault is a function that causes it in an empty folder, checks what comes of it, and says so.

To add one, decorate a function in a module that `__main__` imports.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Seen:
    """What came of a fault: in words, and how many records are missing that there should be."""

    outcome: str
    lost: int


class Skipped(Exception):
    """The fault cannot be caused here; the message says why."""


FAULTS: dict[str, Callable[[Path], Seen]] = {}
SLOW: set[str] = set()


def fault(title: str, *, slow: bool = False):
    """Register a function under what it does to the suite, and whether it takes minutes."""

    def register(function):
        FAULTS[title] = function
        if slow:
            SLOW.add(title)
        return function

    return register
