"""Several runs on one results folder: each case belongs to one of them at a time.

A claim is a lock on a file inside the results folder. It dies with its holder,
so a run that was killed keeps no case from the others.
"""

import hashlib
import json
import logging
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from filelock import FileLock, Timeout

from bench.records.store import Identity

log = logging.getLogger("fmnist_jax")

FOLDER = ".locks"
LOOK_S = 1.0  # between two looks at what another run holds


class CaseLocks:
    """The cases that this run holds; use as a context manager."""

    def __init__(self, results: Path, lock_scope: str) -> None:
        self._folder = results / FOLDER
        self._site = lock_scope
        self._held: dict[Path, FileLock] = {}
        self._taken: dict[Path, float] = {}  # by others, until we look again
        self._looked = 0.0

    def acquire(self, case: Identity) -> bool:
        """Whether the case is this run's now; never waits."""
        path = self._path(case)
        if path in self._held:
            return True
        if time.monotonic() < self._taken.get(path, 0):
            return False
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            lock = _locked(path)
        except OSError as error:
            # Without locks, two runs may do the same work twice; neither loses any.
            log.warning("cannot lock %s (%s): going on without", path, error.strerror or error)
            lock = FileLock(path)
        if lock is None:
            self._taken[path] = time.monotonic() + LOOK_S
            return False
        self._held[path] = lock
        return True

    def release(self, case: Identity) -> None:
        """Let others have the case."""
        path = self._path(case)
        _unlock(path, self._held.pop(path))

    def held_elsewhere(self) -> bool:
        """Whether another run on this site has a case at work; looks once a second."""
        if time.monotonic() < self._looked + LOOK_S:
            return False
        self._looked = time.monotonic()
        with suppress(OSError):  # the folder may be deleted at any time
            for path in self._folder.glob(f"{self._site}.*.lock"):
                if path not in self._held:
                    if (lock := _locked(path)) is None:
                        return True
                    _unlock(path, lock)  # a killed run left it
        return False

    def _path(self, case: Identity) -> Path:
        digest = hashlib.sha256(json.dumps(case).encode()).hexdigest()
        return self._folder / f"{self._site}.{digest[:16]}.lock"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        while self._held:
            _unlock(*self._held.popitem())


def _locked(path: Path) -> FileLock | None:
    lock = FileLock(path)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return None
    return lock


def _unlock(path: Path, lock: FileLock) -> None:
    """Remove the file while it is held, so that none piles up; waiters notice that it is gone."""
    if lock.is_locked:
        with suppress(OSError):
            path.unlink(missing_ok=True)
    lock.release()
