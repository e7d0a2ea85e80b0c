"""Against cases that can be computed by hand, and against scipy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu

from bench.reporting.comparison.statistics import (
    compare_samples,
    difference_of_shares,
    mann_whitney,
    mark,
    mark_interval,
)

SLOW, FAST = [10.0, 11, 12, 13, 14, 15, 16], [20.0, 21, 22, 23, 24, 25, 26]
POSITIVE = st.lists(st.floats(0.1, 1e3), min_size=1, max_size=12)


def test_seven_against_seven_without_overlap():
    """By hand: U = 0, and of the C(14, 7) = 3432 orders two are as extreme."""
    assert mann_whitney(SLOW, FAST) == pytest.approx(2 / 3432)
    found = compare_samples(SLOW, FAST, "higher")
    assert (found.baseline, found.value) == (13, 23)
    assert found.ratio == pytest.approx(23 / 13)
    assert (found.mark, found.baseline_samples, found.samples) == ("+", 7, 7)
    assert compare_samples(FAST, SLOW, "higher").mark == "-"


def test_the_test_is_scipys():
    rng = np.random.default_rng(0)
    one, other = rng.normal(10, 1, 20).tolist(), rng.normal(10.5, 1, 30).tolist()
    assert mann_whitney(one, other) == mannwhitneyu(one, other, alternative="two-sided").pvalue


def test_where_less_is_better_the_ratio_is_turned():
    found = compare_samples(FAST, SLOW, "lower")
    assert found.ratio == pytest.approx(23 / 13)
    assert found.mark == "+"
    assert found.low < found.ratio < found.high


def test_the_spread_is_of_all_pairs():
    """By hand: the ratios are 1, 2, 2 and 4, linear between them as NumPy's quantiles."""
    found = compare_samples([1.0, 2.0], [2.0, 4.0], "higher")
    assert found.low == pytest.approx(1 + 0.15 * 1)
    assert found.high == pytest.approx(2 + 0.85 * 2)


def test_single_samples_have_a_ratio_and_nothing_else():
    found = compare_samples([2.0], [3.0], "lower")
    assert found.ratio == pytest.approx(2 / 3)
    assert (found.mark, found.low, found.high, found.p) == ("", None, None, None)


@pytest.mark.parametrize(
    ("ratio", "p", "n", "expected"),
    [
        (2.0, 0.001, (20, 20), "+"),
        (0.5, 0.001, (20, 20), "-"),
        (2.0, 0.002, (20, 20), "~"),
        (1.0, 0.001, (20, 20), "~"),
        (9.0, 2 / 252, (5, 5), ""),  # 252 orders: the least p is 0.008
        (9.0, 2 / 924, (6, 6), ""),  # and of 924 orders 0.00216
        (9.0, 2 / 51, (1, 50), ""),
    ],
)
def test_marks(ratio, p, n, expected):
    assert mark(ratio, p, n) == expected


def test_equal_samples_are_not_different():
    assert mann_whitney([1.0] * 9, [1.0] * 9) == 1
    assert compare_samples([1.0] * 9, [1.0] * 9, "higher").mark == "~"


def test_medians_against_the_ranks_show_nothing():
    """By hand: 74% of the pairs favour the machine, whose median is the lower one."""
    baseline = [6.0] * 51 + [1.0] * 49
    machine = [5.0] * 51 + [100.0] * 49
    found = compare_samples(baseline, machine, "higher")
    assert found.ratio < 1
    assert found.p < 1e-6
    assert found.mark == "~"


@given(POSITIVE, POSITIVE)
def test_exchanging_the_machines_exchanges_the_verdict(one, other):
    there, back = compare_samples(one, other, "higher"), compare_samples(other, one, "higher")
    assert there.ratio * back.ratio == pytest.approx(1)
    assert {there.mark, back.mark} in ({""}, {"~"}, {"+", "-"})
    assert compare_samples(one, other, "lower").ratio == pytest.approx(back.ratio)
    if there.p is not None:
        assert 0 <= there.p <= 1
        assert there.low <= there.high


def test_the_difference_of_shares_is_newcombes():
    """His example (a), Statistics in Medicine 17 (1998), table II: 56/70 and 48/80."""
    difference, low, high = difference_of_shares((48, 80), (56, 70))
    assert difference == pytest.approx(0.2)
    assert (low, high) == pytest.approx((0.0524, 0.3339), abs=1e-4)


@pytest.mark.parametrize(
    ("low", "high", "expected"), [(-0.1, 0.2, "~"), (0.0, 0.2, "~"), (0.1, 0.2, "+"), (-2, -1, "-")]
)
def test_accuracy_is_marked_by_its_interval(low, high, expected):
    assert mark_interval(low, high) == expected
