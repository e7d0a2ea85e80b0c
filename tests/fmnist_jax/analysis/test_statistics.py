import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fmnist_jax.analysis.base import Context
from fmnist_jax.analysis.statistics import Statistics, describe, pixel_histogram
from fmnist_jax.data.load import load
from tests.support.small_data import small_dataset


@given(st.lists(st.integers(0, 255), min_size=1, max_size=40))
def test_moments_from_counts_are_numpys(pixels):
    pixels = np.array(pixels, np.uint8)
    statistics = describe(pixel_histogram(pixels))
    assert statistics.mean == pytest.approx(pixels.mean())
    assert statistics.std == pytest.approx(pixels.std())
    assert statistics.median == np.median(pixels)
    assert (statistics.min, statistics.max) == (pixels.min(), pixels.max())


def test_statistics_of_all_and_by_class():
    data = small_dataset()
    result = Statistics.measure(Context(data, "none"))
    assert result.pixels.mean == pytest.approx(data.train.images.mean())
    third = data.train.images[data.train.labels == 2]
    assert result.by_class["class c"].median == np.median(third)
    assert sum(result.histogram) == data.train.images.size


def test_statistics_of_fashion_mnist(fashion_dir):
    result = Statistics.measure(Context(load("fashion_mnist", fashion_dir), "none"))
    assert round(result.pixels.mean, 2) == 72.94
    assert round(result.pixels.std, 2) == 90.02
    assert result.pixels.median == 0
