import errno
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fmnist_jax.data.acquire import cache
from fmnist_jax.data.dataset import Dataset
from fmnist_jax.data.idx.card import assemble
from tests.support.toy import Toy, describe, flip, toy_arrays, toy_dataset


@pytest.fixture
def cache_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "cache"
    folder.mkdir()
    return folder


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def same(dataset: Dataset | None) -> bool:
    return dataset is not None and dataset.sha256 == toy_dataset().sha256


def test_store_and_find(cache_dir: Path) -> None:
    path = cache.store(toy_dataset(), cache_dir)
    assert path.name == f"toy-{toy_dataset().sha256}.npz"
    assert names(cache_dir) == [path.name]
    dataset = cache.find(Toy.card, cache_dir)
    assert dataset is not None
    assert same(dataset)
    assert dataset.origin == "cache"
    np.testing.assert_array_equal(dataset.test.labels, toy_arrays()[3])


def test_nothing_there(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "file"
    file.touch()
    assert cache.find(Toy.card, tmp_path / "absent") is None
    assert cache.find(Toy.card, file) is None
    assert cache.find(Toy.card, file / "below") is None
    assert not caplog.records


def _damage_truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def _damage_empty(path: Path) -> None:
    path.write_bytes(b"")


def _damage_pickle(path: Path) -> None:
    with path.open("wb") as file:
        np.savez(file, train_images=np.array([{}], dtype=object))


def _damage_replace(path: Path) -> None:
    """Another dataset under this one's name."""
    arrays = toy_arrays(seed=1)
    other = cache.store(assemble(describe(arrays), arrays, "tfds"), path.parent)
    other.replace(path)


def _damage_rename(path: Path) -> None:
    """The right content under a name that promises another."""
    path.replace(path.with_name(f"toy-{'0' * 64}.npz"))


@pytest.mark.parametrize(
    "damage",
    [_damage_truncate, _damage_empty, _damage_pickle, _damage_replace, _damage_rename],
)
def test_damaged_copy_is_set_aside(
    cache_dir: Path, damage, caplog: pytest.LogCaptureFixture
) -> None:
    damage(cache.store(toy_dataset(), cache_dir))
    (name,) = names(cache_dir)
    assert cache.find(Toy.card, cache_dir) is None
    assert names(cache_dir) == [f"{name}.corrupt"]
    (record,) = caplog.records
    assert record.name == "fmnist_jax"
    assert f"{name}.corrupt" in record.getMessage()
    # It is never looked at again, and a new copy takes its place.
    cache.store(toy_dataset(), cache_dir)
    assert same(cache.find(Toy.card, cache_dir))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(position=st.floats(0, 1, exclude_max=True))
def test_one_flipped_byte_is_never_served(cache_dir: Path, position: float) -> None:
    path = cache.store(toy_dataset(), cache_dir)
    flip(path, int(position * path.stat().st_size))
    # A time stamp in the zip may change without harm.
    dataset = cache.find(Toy.card, cache_dir)
    assert dataset is None or same(dataset)


def test_a_good_copy_that_came_meanwhile_is_kept(
    cache_dir: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = cache.store(toy_dataset(), cache_dir)
    flip(path, 3000)
    read = cache._read

    def read_while_another_process_repairs(card, p):
        try:
            return read(card, p)
        except Exception:
            cache.store(toy_dataset(), cache_dir)
            raise

    monkeypatch.setattr(cache, "_read", read_while_another_process_repairs)
    assert same(cache.find(Toy.card, cache_dir))
    assert names(cache_dir) == [path.name]
    assert not caplog.records


def test_folder_that_cannot_be_changed(
    cache_dir: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    flip(cache.store(toy_dataset(), cache_dir), 3000)

    def deny(self: Path, target: Path) -> Path:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "replace", deny)
    assert cache.find(Toy.card, cache_dir) is None
    assert "cannot be renamed: Permission denied" in caplog.text


def test_copy_that_cannot_be_read(
    cache_dir: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = cache.store(toy_dataset(), cache_dir)

    def deny(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(np, "load", deny)
    assert cache.find(Toy.card, cache_dir) is None
    assert path.exists()
    assert "Permission denied" in caplog.text


def test_full_disk_leaves_nothing_behind(cache_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        cache.store(toy_dataset(), cache_dir)
    assert names(cache_dir) == []
