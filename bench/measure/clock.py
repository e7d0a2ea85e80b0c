"""Where the time of a run goes: named phases on a monotonic clock."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Clock:
    """Seconds per phase.

    What is timed must be done when the phase ends: learners block on their
    device's results before they return.
    """

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self.seconds: dict[str, float] = {}

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Record the time spent inside as that of phase `name`, also if it raises."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = time.perf_counter() - began

    @property
    def total(self) -> float:
        """Seconds since this clock was made."""
        return time.perf_counter() - self._began


def sample(
    call: Callable[[], object], *, least: int = 5, most: int = 50, budget_s: float = 1.0
) -> list[float]:
    """Seconds of each of several calls, after one that is not counted.

    Args:
        call: returns when its result is on the host.
        least: samples to take however long they last.
        most: samples after which to stop.
        budget_s: stop once this much was spent and `least` samples are taken.
    """
    call()
    samples: list[float] = []
    while len(samples) < least or (len(samples) < most and sum(samples) < budget_s):
        began = time.perf_counter()
        call()
        samples.append(time.perf_counter() - began)
    return samples
