"""Lock cases, so that several runs on one results folder do not run the same one.

A case's lock is a lock on a file inside the results folder. The system releases it when
its process dies, so a run that is killed keeps no case from the others.
"""

import logging
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from filelock import FileLock, Timeout

log = logging.getLogger("fmnist_jax")

FOLDER = ".locks"
POLL_S = 1.0  # between two attempts at a lock that another run holds


class CaseLocks:
    """The locks of one run, by `identity.digest_case`; use as a context manager."""

    def __init__(self, results: Path, lock_scope: str) -> None:
        """Lock nothing yet.

        Args:
            results: the results folder.
            lock_scope: runs of another scope, as on another machine, do not exclude these.
        """
        self._folder = results / FOLDER
        self._scope = lock_scope
        self._own: dict[Path, FileLock] = {}
        self._retry_at: dict[Path, float] = {}  # on the monotonic clock
        self._checked_at = 0.0

    def acquire(self, case: str) -> bool:
        """Lock a case without waiting; return whether this run has the lock now."""
        path = self._path(case)
        if path in self._own:
            return True
        if time.monotonic() < self._retry_at.get(path, 0):
            return False
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            lock = _try_lock(path)
        except OSError as error:
            # Without locks, two runs may do the same work twice; neither loses any.
            log.warning("cannot lock %s (%s): continuing without", path, error.strerror or error)
            lock = FileLock(path)
        if lock is None:
            self._retry_at[path] = time.monotonic() + POLL_S
            return False
        self._own[path] = lock
        return True

    def release(self, case: str) -> None:
        """Let other runs have the case."""
        path = self._path(case)
        _unlock(path, self._own.pop(path))

    def held_elsewhere(self) -> bool:
        """Return whether another run of this scope is running a case; checks once a second."""
        if time.monotonic() < self._checked_at + POLL_S:
            return False
        self._checked_at = time.monotonic()
        with suppress(OSError):  # the folder may be deleted at any time
            for path in self._folder.glob(f"{self._scope}.*.lock"):
                if path not in self._own:
                    if (lock := _try_lock(path)) is None:
                        return True
                    _unlock(path, lock)  # a killed run left it
        return False

    def _path(self, case: str) -> Path:
        return self._folder / f"{self._scope}.{case}.lock"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        while self._own:
            _unlock(*self._own.popitem())


def _try_lock(path: Path) -> FileLock | None:
    lock = FileLock(path)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return None
    return lock


def _unlock(path: Path, lock: FileLock) -> None:
    """Remove the file while it is locked, so that none piles up; who waits sees that it is gone."""
    if lock.is_locked:
        with suppress(OSError):
            path.unlink(missing_ok=True)
    lock.release()
