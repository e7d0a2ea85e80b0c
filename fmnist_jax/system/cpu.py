"""Find and confine the CPU cores of this process. Imports little, so that it can come first."""

import logging
import os
import re
from pathlib import Path, PurePosixPath

_CGROUPS = Path("/sys/fs/cgroup")
_MEMBERSHIP = Path("/proc/self/cgroup")
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
    quota = _cpu_quota()
    return tuple(cores if quota is None else cores[: max(1, int(quota))])


def _cpu_quota() -> float | None:
    """Return how many CPUs the control groups of this process grant; None: no limit.

    Of a group and those above it the smallest quota holds. Version 2 keeps it in `cpu.max`,
    version 1 in two files (Linux, Documentation/admin-guide/cgroup-v2.rst and
    Documentation/scheduler/sched-bwc.rst).
    """
    try:
        lines = _MEMBERSHIP.read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    quotas = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            root, names = _CGROUPS, ["cpu.max"]
        elif "cpu" in controllers.split(","):
            root, names = _CGROUPS / "cpu", ["cpu.cfs_quota_us", "cpu.cfs_period_us"]
        else:
            continue
        group = PurePosixPath(path.lstrip("/"))
        for folder in (group, *group.parents):
            try:
                text = " ".join((root / folder / name).read_text() for name in names)
                quota, period = map(int, text.split())
                quotas.append(quota / period)
            except (OSError, ValueError, ZeroDivisionError):
                continue  # "max", or a group that is not visible from inside a container
    return min((limit for limit in quotas if limit > 0), default=None)


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
