"""Whether programs that the suite knows nothing of work on a case's cores."""

import os
import re
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

# Above what the command's own progress display takes.
NOTICEABLE = 0.1
STAT = Path("/proc/stat")


class ContentionMonitor:
    """What others take of some cores, from the making of this on."""

    def __init__(self, cores: Sequence[int]) -> None:
        """Watch `cores`, to which this process must be confined."""
        self._cores = tuple(cores)
        self._began = time.monotonic()
        self._busy_s, self._own_s = self._spent()

    @property
    def detected(self) -> bool:
        """Whether they took more than a tenth of the cores' time."""
        return self.external_share > NOTICEABLE

    @property
    def external_share(self) -> float:
        """Of the time of the cores, 0 to 1. What a hypervisor takes is not seen.

        It is 0 where the system numbers its cores otherwise than in the affinity mask, as in
        some containers: then nobody can tell which of them are meant.
        """
        busy_s, own_s = self._spent()
        others_s = (busy_s - self._busy_s) - (own_s - self._own_s)
        return max(0.0, others_s / (time.monotonic() - self._began) / len(self._cores))

    def _spent(self) -> tuple[float, float]:
        """Seconds of the cores, and of this process with all that it started."""
        by_core = _busy_by_core()
        if not by_core.keys() >= set(self._cores):
            return 0.0, 0.0
        busy_s = sum(by_core[core] for core in self._cores)
        own_s = sum(os.times()[:4])  # with children that have ended
        for child in psutil.Process().children(recursive=True):
            try:
                used = child.cpu_times()
            except psutil.Error:
                continue
            own_s += used.user + used.system
        return busy_s, own_s


def _busy_by_core() -> dict[int, float]:
    """Return the seconds that each core has worked, by its number: some may be offline."""
    seconds = [
        core.user + getattr(core, "nice", 0.0) + core.system  # Windows has no nice
        for core in psutil.cpu_times(percpu=True)
    ]
    try:
        numbers = [int(n) for n in re.findall(r"^cpu(\d+) ", STAT.read_text(), re.MULTILINE)]
    except OSError:  # not Linux
        numbers = list(range(len(seconds)))
    return dict(zip(numbers, seconds, strict=False))  # a core may have come or gone
