import os
from pathlib import Path

import numpy as np
import pytest

from fmnist_jax.data import load
from fmnist_jax.data.acquire import cache
from fmnist_jax.data.dataset import DATASETS, Dataset
from fmnist_jax.data.datasets.mnist import MNIST
from fmnist_jax.errors import DataError, UserError
from fmnist_jax.system.paths import default_cache_dir
from tests.support.toy import Toy, describe, toy_arrays, toy_dataset, write_folder


class Drawn:
    """In the place of the synthetic dataset, which takes a while."""

    classes = Toy.card.classes

    def load(self, data_dir: Path | None, cache_dir: Path) -> Dataset:
        assert data_dir is None
        whole = toy_dataset()
        return Dataset("synthetic", self.classes, whole.train, whole.test, "generated", True)


@pytest.fixture(autouse=True)
def _catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DATASETS, "_entries", {"fashion_mnist": Toy, "synthetic": Drawn})


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fmnist_jax.data.acquire.acquire._problem", lambda url: "no network")


@pytest.mark.parametrize("name", ["auto", "fashion_mnist"])
def test_order_of_places(
    name: str, toy_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.store(toy_dataset(), _made(default_cache_dir()))
    assert load.load(name).origin == "cache"
    monkeypatch.setenv("FMNIST_DATA_DIR", "")
    assert load.load(name).origin == "cache"
    monkeypatch.setenv("FMNIST_DATA_DIR", str(toy_dir))
    assert load.load(name).origin == "data-dir"
    monkeypatch.setenv("FMNIST_DATA_DIR", str(tmp_path / "absent"))
    assert load.load(name, toy_dir).origin == "data-dir"


def test_cache_dir_is_taken_from_the_caller(tmp_path: Path) -> None:
    cache.store(toy_dataset(), _made(tmp_path / "other"))
    assert load.load("fashion_mnist", cache_dir=tmp_path / "other").origin == "cache"


def test_auto_falls_back_and_says_why() -> None:
    dataset = load.load()
    assert dataset.synthetic
    assert dataset.fallback_reason is not None
    assert "cannot be downloaded (no network)" in dataset.fallback_reason
    assert "--data-dir" in dataset.fallback_reason


def test_a_name_never_falls_back() -> None:
    with pytest.raises(DataError, match="cannot be downloaded"):
        load.load("fashion_mnist")


@pytest.mark.parametrize("name", ["auto", "fashion_mnist"])
def test_a_data_folder_never_falls_back(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.store(toy_dataset(), _made(default_cache_dir()))
    with pytest.raises(DataError, match="absent does not exist"):
        load.load(name, tmp_path / "absent")
    monkeypatch.setenv("FMNIST_DATA_DIR", str(tmp_path / "absent"))
    with pytest.raises(DataError, match=r"does not exist \(FMNIST_DATA_DIR names the folder\): "):
        load.load(name)


def test_synthetic_looks_at_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("FMNIST_DATA_DIR", str(tmp_path / "absent"))
    dataset = load.load("synthetic", tmp_path / "absent")
    assert dataset.synthetic
    assert dataset.fallback_reason is None
    assert not caplog.records


def test_folder_below_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    write_folder(tmp_path / "data", toy_arrays())
    assert load.load("auto", Path("~/data")).origin == "data-dir"


def test_unknown_name() -> None:
    with pytest.raises(UserError, match="unknown dataset 'fashion_mist': did you mean"):
        load.load("fashion_mist")
    with pytest.raises(UserError, match="unknown dataset 'foo': choose from: auto, fashion_mnist"):
        load.load("foo")


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_the_training_set_of_mnist_needs_no_test_set(tmp_path, monkeypatch):
    arrays = toy_arrays()
    monkeypatch.setattr(MNIST, "card", describe(arrays))
    folder = write_folder(tmp_path / "toy", arrays)
    for path in folder.glob("t10k*"):
        path.unlink()
    beside = load.load_mnist_training(tmp_path / "fashion")
    np.testing.assert_array_equal(beside.images, arrays[0])
    monkeypatch.setenv("MNIST_DATA_DIR", str(folder))
    np.testing.assert_array_equal(load.load_mnist_training().labels, arrays[1])


def test_mnist_in_a_named_folder_is_verified(tmp_path, monkeypatch):
    folder = write_folder(tmp_path / "mnist", toy_arrays())
    monkeypatch.setenv("MNIST_DATA_DIR", str(folder))
    with pytest.raises(DataError, match=r"the two files.* name it by MNIST_DATA_DIR") as caught:
        load.load_mnist_training()
    assert "--data-dir" not in str(caught.value)


def test_a_closed_folder_beside_the_data_is_passed_over(tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(DataError, match="name it by MNIST_DATA_DIR"):
        load.load_mnist_training(tmp_path / "fashion")
