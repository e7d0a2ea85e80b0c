"""Find and kill processes by an environment variable that they have inherited.

It reaches those whose parents have ended, too, which no process tree does.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker

import psutil

_KILL_ROUNDS = 5


@contextmanager
def tagged(name: str, value: str) -> Iterator[None]:
    """Set an environment variable for the processes that are started meanwhile."""
    # multiprocessing starts this helper when it first needs it, unblocks signals, and keeps it.
    resource_tracker.ensure_running()
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def kill_tagged(name: str, value: str) -> None:
    """Kill every process with this environment variable, but for the caller and its parent."""
    for _ in range(_KILL_ROUNDS):
        processes = list(find_tagged(name, value))
        for process in processes:
            with suppress(psutil.Error):
                process.kill()
        if not processes:
            return
        psutil.wait_procs(processes, timeout=1)  # they may have started more meanwhile


def find_tagged(name: str, value: str) -> Iterator[psutil.Process]:
    """Find the living processes with this environment variable, as `kill_tagged` does."""
    for process in psutil.process_iter():
        # Other users' processes may not be asked, and zombies have nothing to say.
        with suppress(psutil.Error, OSError):
            if (
                process.pid not in (os.getpid(), os.getppid())
                and process.environ().get(name) == value
                and process.status() != psutil.STATUS_ZOMBIE
            ):
                yield process
