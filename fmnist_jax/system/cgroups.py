"""Read the limits of this process's control groups, as a container sets them.

Version 2 keeps a limit in one file, version 1 in a folder per controller (Linux,
Documentation/admin-guide/cgroup-v2.rst, cgroup-v1/memory.rst, scheduler/sched-bwc.rst).
Of a group and those above it the smallest limit holds.
"""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

_CGROUPS = Path("/sys/fs/cgroup")
_MEMBERSHIP = Path("/proc/self/cgroup")


def cpu_quota() -> float | None:
    """Return how many CPUs may be kept busy; None: no limit."""
    pairs = _limits("cpu", ["cpu.max"], ["cpu.cfs_quota_us", "cpu.cfs_period_us"])
    quotas = [pair[0] / pair[1] for pair in pairs if len(pair) == 2 and pair[1]]
    return min((quota for quota in quotas if quota > 0), default=None)


def memory_limit() -> int | None:
    """Return how many bytes may be taken; None: no limit. Version 1 has a huge one then."""
    limits = _limits("memory", ["memory.max"], ["memory.limit_in_bytes"])
    return min((limit[0] for limit in limits if limit and limit[0] > 0), default=None)


def _limits(controller: str, new: list[str], old: list[str]) -> Iterator[list[int]]:
    """Yield the numbers in the files of each group that has them, in version 2 and 1."""
    try:
        lines = _MEMBERSHIP.read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            root, names = _CGROUPS, new
        elif controller in controllers.split(","):
            root, names = _CGROUPS / controller, old
        else:
            continue
        group = PurePosixPath(path.lstrip("/"))
        for folder in (group, *group.parents):
            try:
                text = " ".join((root / folder / name).read_text() for name in names)
                yield [int(number) for number in text.split()]
            except (OSError, ValueError):
                continue  # "max", or a group that is not visible from inside a container
