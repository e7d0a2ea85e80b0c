"""Define the metric: one figure that is derived from a record.

A metric is a decorated function in a file of `bench/reporting/metrics/`, found by
the registry; it then has a column in the sections that it names, in every format.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from bench.records.schema import Record
from fmnist_jax.registry import Registry

Better = Literal["higher", "lower"]
Function = Callable[[Record], float | None]


@dataclass(frozen=True)
class Metric:
    """A derived figure of one record.

    Attributes:
        description: the heading of its column.
        function: returns the figure, or None where the record lacks it.
        show: formats it.
        better: which direction is better.
        timing: whether it depends on the machine and on what else ran there; such a
            figure gets a star when it was measured beside other work.
        sections: names of the sections in which it has a column.
        priority: its rank among the columns; where space is short, the highest goes first.
        any_run: whether every run with the same config, software and code may supply it,
            since one start compiles and the next reads what was compiled.
    """

    description: str
    function: Function
    show: Callable[[float], str]
    better: Better
    timing: bool = False
    sections: tuple[str, ...] = ("accuracy",)
    priority: int = 5
    any_run: bool = False

    def __call__(self, record: Record) -> float | None:
        """Return the figure of `record`."""
        return self.function(record)


METRICS: Registry[Metric] = Registry("metric", "METRICS", "bench.reporting.metrics")


def metric(
    description: str,
    *,
    show: Callable[[float], str],
    better: Better,
    timing: bool = False,
    sections: tuple[str, ...] = ("accuracy",),
    priority: int = 5,
    any_run: bool = False,
) -> Callable[[Function], Metric]:
    """Make a `Metric` of the decorated function; see there for the arguments."""

    def decorate(function: Function) -> Metric:
        return Metric(description, function, show, better, timing, sections, priority, any_run)

    return decorate


def all_metrics() -> dict[str, Metric]:
    """Return every metric by name, the most important first."""
    found = {name: METRICS[name] for name in METRICS.catalogue}
    return dict(sorted(found.items(), key=lambda item: item[1].priority))
