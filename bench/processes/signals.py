"""Ctrl-C and a polite kill, when the runner is ready for them and not before."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker

NUMBERS = (signal.SIGINT, signal.SIGTERM)

EXIT_CODE = 130  # by Ctrl-C or SIGTERM, as shells have it


@contextmanager
def blocked() -> Iterator[None]:
    """Block Ctrl-C and a polite kill; a process started meanwhile never sees them at all.

    The terminal, and many a supervisor, sends them to the whole process group,
    and only the parent should decide what to do about them.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    # Starting this helper of multiprocessing unblocks the signal, so not while we need it.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, NUMBERS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def as_event() -> Iterator[threading.Event]:
    """Turn Ctrl-C and a polite kill into an event, so that neither lands amid a write."""
    interrupted = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield interrupted
        return
    before = [signal.signal(number, lambda *_: interrupted.set()) for number in NUMBERS]
    try:
        yield interrupted
    finally:
        for number, handler in zip(NUMBERS, before, strict=True):
            signal.signal(number, handler)
