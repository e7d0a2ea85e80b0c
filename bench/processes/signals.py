"""Turn SIGINT and SIGTERM into an event."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

EXIT_CODE = 130  # by Ctrl-C or SIGTERM, as shells have it


@contextmanager
def as_event() -> Iterator[threading.Event]:
    """Set an event at Ctrl-C or SIGTERM, so that neither interrupts a write."""
    interrupted = threading.Event()
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda *_: interrupted.set()) for number in numbers]
    try:
        yield interrupted
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
