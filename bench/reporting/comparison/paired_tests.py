"""Tests of two models: on the same images, over the same seeds, and how many seeds it takes."""

from collections.abc import Sequence
from math import sqrt

import numpy as np
import numpy.typing as npt

MOST = 1000  # seeds that anyone would train


def mcnemar(one: npt.NDArray[np.bool_], other: npt.NDArray[np.bool_]) -> tuple[int, int, float]:
    """Test whether two models are right equally often on the same images.

    McNemar 1947, doi 10.1007/BF02295996, in its exact form: of the images that one of
    them alone gets right, each is either's with probability 1/2.

    Args:
        one: which images the first model gets right, bool [n].
        other: likewise the second.

    Returns:
        How many images each gets right alone, and the two-sided p.
    """
    from scipy.stats import binomtest  # a second to import

    alone, other_alone = int((one & ~other).sum()), int((other & ~one).sum())
    if alone + other_alone == 0:
        return 0, 0, 1.0
    return alone, other_alone, float(binomtest(alone, alone + other_alone).pvalue)


def paired_t(one: Sequence[float], other: Sequence[float]) -> float | None:
    """Return the two-sided p of Student's paired test; None for fewer than two pairs."""
    from scipy.stats import ttest_rel

    if len(one) < 2:
        return None
    differences = np.subtract(one, other)
    if np.ptp(differences) == 0:  # no spread: equal, or different beyond any doubt
        return float(differences[0] == 0)
    return float(ttest_rel(one, other).pvalue)


def holm(p: Sequence[float | None]) -> list[float | None]:
    """Correct for the number of tests (Holm 1979); those that were not made stay None."""
    order = sorted((value, place) for place, value in enumerate(p) if value is not None)
    corrected: list[float | None] = [None] * len(p)
    least = 0.0
    for rank, (value, place) in enumerate(order):
        least = max(least, min(1.0, value * (len(order) - rank)))
        corrected[place] = least
    return corrected


def seeds_to_show(
    gap: float, one: Sequence[float], other: Sequence[float], level: float = 0.05
) -> int | None:
    """Return the seeds of each model with which a t test shows a gap four times out of five.

    From the noncentral t distribution (Cohen 1988, chapter 2), at the spread of the seeds that
    are there; None where a model has one seed, or more than a thousand would be needed.
    """
    from scipy.stats import nct, t

    if min(len(one), len(other)) < 2:
        return None
    spread = sqrt((np.var(one, ddof=1) + np.var(other, ddof=1)) / 2)
    if spread == 0:
        return 2
    for n in range(2, MOST + 1):
        freedom, shift = 2 * n - 2, gap / spread * sqrt(n / 2)
        limit = t.ppf(1 - level / 2, freedom)
        power = nct.sf(limit, freedom, shift) + nct.cdf(-limit, freedom, shift)
        if power >= 0.8:
            return n
    return None
