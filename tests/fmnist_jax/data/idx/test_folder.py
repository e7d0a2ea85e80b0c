import gzip
import os
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest

from fmnist_jax.data.acquire.source import IdxSource
from fmnist_jax.data.dataset import DATASETS
from fmnist_jax.data.idx import format as idx
from fmnist_jax.data.idx.card import FILES
from fmnist_jax.errors import DataError
from tests.support.toy import Toy, describe, flip, toy_arrays, toy_dataset, write_folder

IMAGES, LABELS, TEST_IMAGES, TEST_LABELS = (f"{name}.gz" for name in FILES)


def denied(path: Path) -> NoReturn:
    raise PermissionError(13, "Permission denied", str(path))


def refusal(folder: Path, cache_dir: Path, source: IdxSource | None = None) -> str:
    """The line with which `folder` is refused."""
    with pytest.raises(DataError) as caught:
        (source or Toy()).load(folder, cache_dir)
    line = str(caught.value)
    assert "\n" not in line
    assert "--data-dir" in line  # the next step
    assert not cache_dir.exists()
    return line


@pytest.mark.parametrize("zipped", [True, False])
def test_loads_the_official_files(tmp_path: Path, zipped: bool) -> None:
    folder = write_folder(tmp_path / "files", toy_arrays(), zipped=zipped)
    dataset = Toy().load(folder, tmp_path / "cache")
    loaded = (
        dataset.train.images,
        dataset.train.labels,
        dataset.test.images,
        dataset.test.labels,
    )
    for array, expected in zip(loaded, toy_arrays(), strict=True):
        np.testing.assert_array_equal(array, expected)
        assert array.dtype == np.uint8
        assert not array.flags.writeable
    assert (dataset.name, dataset.origin, dataset.synthetic) == ("toy", "data-dir", False)
    assert dataset.classes == Toy().classes
    assert not (tmp_path / "cache").exists()


def test_accepts_files_compressed_anew(toy_dir: Path, tmp_path: Path) -> None:
    path = toy_dir / IMAGES
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()), compresslevel=1))
    assert len(Toy().load(toy_dir, tmp_path / "cache").train) == 60


LAYOUTS: dict[str, Callable[[Path], object]] = {
    "unzipped, but named .gz": lambda p: p.write_bytes(gzip.decompress(p.read_bytes())),
    "zipped, but named as if not": lambda p: p.rename(p.with_suffix("")),
    "zipped once more by a server": lambda p: p.write_bytes(gzip.compress(p.read_bytes())),
    "dots for hyphens": lambda p: p.rename(p.with_name(p.name.replace("-idx", ".idx"))),
    "capitals": lambda p: p.rename(p.with_name(p.name.upper())),
    "in a folder": lambda p: _move(p, p.parent / "FashionMNIST" / "raw" / p.name),
    "in folders of their own names": lambda p: _move(p, p.parent / p.stem / p.name),
    "beside a damaged one": lambda p: _move(p, p.with_suffix("")).with_suffix(".gz").touch(),
}


def _move(path: Path, target: Path) -> Path:
    # Away first: a folder may take the name of the file.
    moved = path.rename(path.with_name("moved"))
    target.parent.mkdir(parents=True, exist_ok=True)
    return moved.rename(target)


@pytest.mark.parametrize("change", LAYOUTS.values(), ids=LAYOUTS)
def test_the_right_bytes_are_read_whatever_they_are_called(
    toy_dir: Path, tmp_path: Path, change: Callable[[Path], object]
) -> None:
    for name in (IMAGES, LABELS, TEST_IMAGES, TEST_LABELS):
        change(toy_dir / name)
    assert Toy().load(toy_dir, tmp_path / "cache").sha256 == toy_dataset().sha256


def test_two_datasets_below_one_folder(tmp_path: Path) -> None:
    write_folder(tmp_path / "root" / "A" / "raw", toy_arrays(seed=1))
    write_folder(tmp_path / "root" / "B" / "raw", toy_arrays())
    assert Toy().load(tmp_path / "root", tmp_path / "cache").sha256 == toy_dataset().sha256


def test_no_folder(tmp_path: Path) -> None:
    assert "does not exist" in refusal(tmp_path / "absent", tmp_path / "cache")


def test_folder_is_a_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    assert "is not a folder" in refusal(path, tmp_path / "cache")


@pytest.mark.parametrize("name", [IMAGES, TEST_LABELS])
def test_missing_file(toy_dir: Path, tmp_path: Path, name: str) -> None:
    (toy_dir / name).unlink()
    line = refusal(toy_dir, tmp_path / "cache")
    assert f"{toy_dir} holds no {name}" in line


def _zipped(data: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(gzip.compress(data))


DAMAGE: list[tuple[str, str, Callable[[Path], object]]] = [
    (IMAGES, "not a complete gzip", lambda p: p.write_bytes(p.read_bytes()[:-20])),
    (IMAGES, "is not an IDX file", lambda p: p.write_bytes(b"<html>moved</html>")),
    (IMAGES, "is empty", lambda p: p.write_bytes(b"")),
    (TEST_IMAGES, "not a complete gzip", lambda p: flip(p, 1000)),
    (LABELS, "not an IDX file", _zipped(b"\0\0\x0d\x01" + bytes(100))),
    (LABELS, "bytes where its header", _zipped(idx.encode(toy_arrays()[1])[:-3])),
    (IMAGES, r"has the shape (60,), Toy has (60, 28, 28)", _zipped(idx.encode(toy_arrays()[1]))),
    (TEST_LABELS, r"has the shape (60,), Toy has (20,)", _zipped(idx.encode(toy_arrays()[1]))),
    (
        LABELS,
        "has the label 10 at index 7, labels end at 9",
        _zipped(idx.encode(np.where(np.arange(60) == 7, 10, toy_arrays()[1]).astype(np.uint8))),
    ),
    (IMAGES, "has the wrong checksum (md5 ", _zipped(idx.encode(toy_arrays(seed=1)[0]))),
    (
        LABELS,
        "has the wrong checksum (md5 ",
        _zipped(idx.encode(np.roll(toy_arrays()[1], 1))),
    ),
]


@pytest.mark.parametrize(("name", "problem", "damage"), DAMAGE)
def test_damaged_file(
    toy_dir: Path, tmp_path: Path, name: str, problem: str, damage: Callable[[Path], object]
) -> None:
    damage(toy_dir / name)
    line = refusal(toy_dir, tmp_path / "cache")
    assert f"{toy_dir / name} " in line
    assert problem in line


def test_one_flipped_byte_of_a_decompressed_file(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "files", toy_arrays(), zipped=False)
    flip(folder / FILES[2], 5000)
    assert "has the wrong checksum" in refusal(folder, tmp_path / "cache")


def test_dangling_link(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "absent")
    line = refusal(link, tmp_path / "cache")
    assert f"{link} is a link to {tmp_path / 'absent'}, which does not exist" in line


def test_unreadable_folder(toy_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Permissions do not bind root, so the failure is put in by hand.
    monkeypatch.setattr(os, "scandir", denied)
    assert f"{toy_dir} cannot be read (Permission denied)" in refusal(toy_dir, tmp_path / "cache")


def test_folder_that_may_be_listed_and_not_entered(
    toy_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "is_file", denied)
    monkeypatch.setattr(Path, "read_bytes", denied)
    line = refusal(toy_dir, tmp_path / "cache")
    assert f"{toy_dir / IMAGES} cannot be read (Permission denied)" in line


def test_unreadable_file(toy_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "read_bytes", denied)
    assert "cannot be read (Permission denied)" in refusal(toy_dir, tmp_path / "cache")


def test_names_the_dataset_that_the_folder_holds(
    toy_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Toy's files, put into the catalogue under Fashion-MNIST's name, given as another dataset's.
    fashion = describe(toy_arrays(), "fashion_mnist", "Fashion-MNIST")
    monkeypatch.setattr(DATASETS["fashion_mnist"], "card", fashion)

    class Other(IdxSource):
        card = describe(toy_arrays(seed=1), "other", "Other")

    line = refusal(toy_dir, tmp_path / "cache", Other())
    assert "does not hold Other" in line
    assert "is Fashion-MNIST's" in line
    assert "--dataset fashion_mnist" in line


@pytest.mark.parametrize("name", ["fashion_mnist", "mnist"])
def test_entries_are_complete(name: str) -> None:
    source = DATASETS[name]
    assert issubclass(source, IdxSource)
    assert source.card.name == name
    assert len(source().classes) == 10
    assert all(len(digest) == 32 for digest in source.card.md5)
    assert DATASETS.catalogue[name].summary
