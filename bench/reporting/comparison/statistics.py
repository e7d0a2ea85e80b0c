"""Statistics of two machines' samples: ratio, spread, test, and the mark that they earn."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb, hypot
from statistics import median
from typing import Literal

import numpy as np

from bench.reporting.metric import Better
from bench.reporting.query import wilson

# As asv's marks, by the ratio; without one, too few samples for any test.
Mark = Literal["+", "-", "~", ""]
SIGNIFICANT = 0.002  # asv's threshold, since a table holds many tests
SPREAD = (0.05, 0.95)  # quantiles


@dataclass(frozen=True)
class Ratio:
    """How many times as good a machine is as the baseline machine.

    Attributes:
        baseline: median of the baseline machine's samples.
        value: median of the machine's.
        ratio: above 1 the machine is better, in whatever direction that is.
        mark: + significantly above 1, - below, ~ not significantly different.
        low, high: the middle 90% of the ratios of all pairs of samples; None where
            each machine has one.
        p: of the two-sided test of Mann and Whitney; None likewise.
        baseline_samples, samples: how many each machine has.
    """

    baseline: float
    value: float
    ratio: float
    mark: Mark
    low: float | None
    high: float | None
    p: float | None
    baseline_samples: int
    samples: int


def compare_samples(baseline: Sequence[float], samples: Sequence[float], better: Better) -> Ratio:
    """Return the ratio of two machines' samples, none of them empty, all above 0."""
    middle, n = (median(baseline), median(samples)), (len(baseline), len(samples))
    pairs, ratio = np.divide.outer(samples, baseline), middle[1] / middle[0]
    if better == "lower":
        pairs, ratio = 1 / pairs, 1 / ratio
    if n == (1, 1):
        return Ratio(*middle, ratio, "", None, None, None, *n)
    low, middle_pair, high = map(float, np.quantile(pairs, (SPREAD[0], 0.5, SPREAD[1])))
    p = mann_whitney(baseline, samples)
    # The test ranks the samples: where the medians say otherwise, nothing is shown.
    agrees = (middle_pair - 1) * (ratio - 1) > 0
    return Ratio(*middle, ratio, mark(ratio if agrees else 1.0, p, n), low, high, p, *n)


def mann_whitney(one: Sequence[float], other: Sequence[float]) -> float:
    """Return the p-value of the two-sided test of Mann and Whitney (1947).

    Of samples of one machine against the other's: 1 where all are equal.
    """
    if len({*one, *other}) == 1:
        return 1.0
    from scipy.stats import mannwhitneyu  # a second to import

    return float(mannwhitneyu(one, other, alternative="two-sided").pvalue)


def mark(ratio: float, p: float, n: tuple[int, int]) -> Mark:
    """Return the mark of a ratio; none where no outcome of the test could be significant."""
    if 2 / comb(sum(n), n[0]) >= SIGNIFICANT:
        return ""
    if p >= SIGNIFICANT or ratio == 1:
        return "~"
    return "+" if ratio > 1 else "-"


def difference_of_shares(
    baseline: tuple[int, int], machine: tuple[int, int]
) -> tuple[float, float, float]:
    """Return the second share less the first, with its 95% interval.

    Newcombe's hybrid score interval (1998, Statistics in Medicine 17, 873-890, method
    10). It takes the test images of both for independent, so that it is wide where they
    are the same.

    Args:
        baseline: right predictions, and all.
        machine: likewise.
    """
    first, second = baseline[0] / baseline[1], machine[0] / machine[1]
    (low_1, high_1), (low_2, high_2) = wilson(*baseline), wilson(*machine)
    difference = second - first
    return (
        difference,
        difference - hypot(second - low_2, high_1 - first),
        difference + hypot(high_2 - second, first - low_1),
    )


def mark_interval(low: float, high: float) -> Mark:
    """Return the mark of a difference: ~ where its interval holds 0."""
    if low <= 0 <= high:
        return "~"
    return "+" if low > 0 else "-"
