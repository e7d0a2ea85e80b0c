"""Every registered dataset: what is published of it, and how it is refused."""

import numpy as np
import pytest

from fmnist_jax.data.dataset import CLASSES, DATASETS, SIDE
from fmnist_jax.errors import DataError


@pytest.mark.parametrize("name", list(DATASETS.catalogue))
def test_ten_distinct_class_names(name):
    classes = DATASETS[name]().classes
    assert len(set(classes)) == CLASSES == len(classes)


@pytest.mark.parametrize("name", [name for name in DATASETS.catalogue if name != "synthetic"])
def test_an_empty_folder_is_refused_in_one_line(name, tmp_path):
    with pytest.raises(DataError) as caught:
        DATASETS[name]().load(tmp_path, tmp_path / "cache")
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


def check(dataset):
    for split in (dataset.train, dataset.test):
        assert split.images.shape == (len(split), SIDE, SIDE)
        assert split.images.dtype == split.labels.dtype == np.uint8
        assert set(np.unique(split.labels)) == set(range(CLASSES))


def test_fashion_mnist_as_published(fashion_dir, tmp_path):
    dataset = DATASETS["fashion_mnist"]().load(fashion_dir, tmp_path)
    check(dataset)
    assert (len(dataset.train), len(dataset.test)) == (60_000, 10_000)
    # The notebooks' own figures: global mean 72.94, standard deviation 90.02, median 0.
    assert dataset.train.images.mean() == pytest.approx(72.94, abs=0.005)
    assert dataset.train.images.std() == pytest.approx(90.02, abs=0.005)
    assert np.median(dataset.train.images) == 0
    assert not dataset.synthetic


def test_synthetic(cache):
    dataset = DATASETS["synthetic"]().load(None, cache)
    check(dataset)
    assert dataset.synthetic
