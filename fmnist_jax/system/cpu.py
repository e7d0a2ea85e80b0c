"""Find and confine the CPU cores of this process. Imports little, so that it can come first."""

import logging
import os
import re
from pathlib import Path

from fmnist_jax.system.cgroups import cpu_quota

log = logging.getLogger("fmnist_jax")


def available_cores() -> tuple[int, ...]:
    """Return the numbers of the cores that the system grants to this process.

    They are fewer than the machine's under an affinity mask, as of taskset or a cpuset, and
    under a CPU quota, as of a container: of 2.5 CPUs two cores can be kept busy. Whether they
    are numbered from 0 is the system's business.
    """
    if hasattr(os, "sched_getaffinity"):
        cores = sorted(os.sched_getaffinity(0))
    else:
        cores = list(range(os.cpu_count() or 1))
    quota = cpu_quota()
    return tuple(cores if quota is None else cores[: max(1, int(quota))])


def confine(cores: tuple[int, ...]) -> None:
    """Keep this process, and the libraries it is yet to load, to `cores`.

    BLAS and OpenMP size their thread pools when they are loaded, so this comes
    before numpy; threads in excess of the cores spin and take turns.
    """
    for pool in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[pool] = str(len(cores))
    if hasattr(os, "sched_setaffinity"):
        try:
            os.sched_setaffinity(0, cores)
        except OSError as error:  # a container without the right, or another set meanwhile
            log.warning("cannot stay on cores %s: %s", cores, error.strerror)


def processor(*names: str) -> str | None:
    """Return what Linux says of the first processor under one of the names, as "flags"."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return None
    found = re.search(rf"^(?:{'|'.join(names)})\s*:\s*(.+)$", text, re.MULTILINE)
    return found[1].strip() if found else None
