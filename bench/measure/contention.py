"""Whether programs that the suite knows nothing of work on a case's cores."""

import os
import time
from collections.abc import Sequence

import psutil

# Above what the command's own progress display takes.
NOTICEABLE = 0.1


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
        """Of the time of the cores, 0 to 1. What a hypervisor takes is not seen."""
        busy_s, own_s = self._spent()
        others_s = (busy_s - self._busy_s) - (own_s - self._own_s)
        return max(0.0, others_s / (time.monotonic() - self._began) / len(self._cores))

    def _spent(self) -> tuple[float, float]:
        """Seconds of the cores, and of this process with all that it started."""
        by_core = psutil.cpu_times(percpu=True)
        busy_s = sum(by_core[core].user + by_core[core].system for core in self._cores)
        own_s = sum(os.times()[:4])  # with children that have ended
        for child in psutil.Process().children(recursive=True):
            try:
                used = child.cpu_times()
            except psutil.Error:
                continue
            own_s += used.user + used.system
        return busy_s, own_s
