"""How much memory processes hold."""

from contextlib import suppress

import psutil


def resident(pid: int) -> int:
    """Bytes of memory that a process and those below it hold; what they share counts for each."""
    total = 0
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        for member in (process, *process.children(recursive=True)):
            with suppress(psutil.Error):
                total += member.memory_info().rss
    return total


def show_bytes(size: int) -> str:
    """Return a size in GiB, to three digits."""
    return f"{size / 2**30:.3g} GiB"
