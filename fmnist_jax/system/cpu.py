"""The CPU cores that this process may use. Imports little, so that it can be asked first."""

import os
import re
from pathlib import Path


def available_cores() -> tuple[int, ...]:
    """Their numbers, which are fewer than the machine's under an affinity mask."""
    if hasattr(os, "sched_getaffinity"):
        return tuple(sorted(os.sched_getaffinity(0)))
    return tuple(range(os.cpu_count() or 1))


def confine(cores: tuple[int, ...]) -> None:
    """Keep this process, and the libraries it is yet to load, to `cores`.

    BLAS and OpenMP size their thread pools when they are loaded, so this comes
    before numpy; threads in excess of the cores spin and take turns.
    """
    for pool in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[pool] = str(len(cores))
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)


def processor(*names: str) -> str | None:
    """What Linux says of the first processor under one of the names, "flags" say."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return None
    found = re.search(rf"^(?:{'|'.join(names)})\s*:\s*(.+)$", text, re.MULTILINE)
    return found[1].strip() if found else None
