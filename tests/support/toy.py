"""A dataset of the MNIST family that is small enough to damage in every way."""

import gzip
from pathlib import Path

import numpy as np

from fmnist_jax.data.acquire.source import IdxSource
from fmnist_jax.data.dataset import Dataset
from fmnist_jax.data.idx import format as idx
from fmnist_jax.data.idx.card import FILES, Arrays, DatasetCard, assemble

SIZES = (60, 20)


def toy_arrays(seed: int = 0) -> Arrays:
    rng = np.random.default_rng(seed)

    def images(n: int) -> idx.Bytes:
        return rng.integers(0, 256, (n, 28, 28), np.uint8)

    def labels(n: int) -> idx.Bytes:
        return rng.permutation(np.arange(n, dtype=np.uint8) % 10)

    train, test = SIZES
    return images(train), labels(train), images(test), labels(test)


def describe(arrays: Arrays, name: str = "toy", title: str = "Toy") -> DatasetCard:
    first, second, third, fourth = map(idx.md5, arrays)
    return DatasetCard(
        name=name,
        title=title,
        classes=tuple("abcdefghij"),
        url="http://toy.invalid/files",
        megabytes=1,
        sizes=SIZES,
        md5=(first, second, third, fourth),
    )


class Toy(IdxSource):
    card = describe(toy_arrays())


def toy_dataset() -> Dataset:
    return assemble(Toy.card, toy_arrays(), "tfds")


def write_folder(folder: Path, arrays: Arrays, *, zipped: bool = True) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in zip(FILES, arrays, strict=True):
        data = idx.encode(array)
        if zipped:
            (folder / f"{name}.gz").write_bytes(gzip.compress(data))
        else:
            (folder / name).write_bytes(data)
    return folder


def flip(path: Path, position: int) -> None:
    """Change one byte of the file."""
    data = bytearray(path.read_bytes())
    data[position] ^= 0xFF
    path.write_bytes(data)
