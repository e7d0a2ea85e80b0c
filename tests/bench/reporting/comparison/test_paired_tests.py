"""Tests of two models against closed forms, tables and scipy's own."""

import numpy as np
import pytest
from scipy import stats

from bench.reporting.comparison.paired_tests import holm, mcnemar, paired_t, seeds_to_show


def test_mcnemar_counts_what_one_alone_gets_right():
    one = np.array([1, 1, 1, 1, 1, 1, 0, 1, 0], bool)
    other = np.array([0, 0, 0, 0, 0, 1, 1, 1, 0], bool)
    # 5 against 1: two-sided binomial p = 2 (C(6,0) + C(6,1)) / 2^6.
    assert mcnemar(one, other) == (5, 1, pytest.approx(2 * 7 / 64))
    assert mcnemar(one, one) == (0, 0, 1.0)


def test_mcnemar_of_many_images_is_near_its_chi_square():
    generator = np.random.default_rng(0)
    one, other = generator.random(20_000) < 0.93, generator.random(20_000) < 0.925
    b, c, p = mcnemar(one, other)
    assert p == pytest.approx(stats.chi2.sf((abs(b - c) - 1) ** 2 / (b + c), 1), rel=0.02)


def test_holm_steps_down_and_leaves_out_what_was_not_tested():
    assert holm([0.01, None, 0.04, 0.03]) == [pytest.approx(0.03), None, 0.06, 0.06]
    assert holm([]) == []
    assert holm([0.9, 0.8]) == [1.0, 1.0]


def test_seeds_are_compared_in_pairs():
    one, other = [0.93, 0.94, 0.95], [0.92, 0.92, 0.94]
    assert paired_t(one, other) == pytest.approx(stats.ttest_rel(one, other).pvalue)
    assert paired_t([0.9], [0.8]) is None
    assert paired_t([0.9, 0.8], [0.9, 0.8]) == 1.0


@pytest.mark.parametrize(("effect", "published"), [(0.5, 64), (0.8, 26), (1.0, 17)])
def test_how_many_seeds_it_takes_is_as_in_cohens_table(effect, published):
    spread = 0.002 / effect
    runs = [0.93 - spread / np.sqrt(2), 0.93 + spread / np.sqrt(2)]  # of that deviation
    assert seeds_to_show(0.002, runs, runs) == published


def test_without_two_seeds_nothing_is_known_of_the_spread():
    assert seeds_to_show(0.002, [0.93], [0.92, 0.91]) is None
    assert seeds_to_show(0.002, [0.93, 0.93], [0.92, 0.92]) == 2
