"""Define what a dataset is, and the registry of all datasets."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from fmnist_jax.registry import Registry

Images = npt.NDArray[np.uint8]  # [n, 28, 28]
Labels = npt.NDArray[np.uint8]  # [n]
Origin = Literal["data-dir", "cache", "tfds", "generated"]

CLASSES = 10
SIDE = 28


@dataclass(frozen=True)
class Split:
    """Images with their labels.

    Attributes:
        images: uint8 [n, 28, 28], 0 is background.
        labels: uint8 [n], in 0..9.
    """

    images: Images
    labels: Labels

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Dataset:
    """A dataset as published: training and test set in their original order.

    Attributes:
        name: the name under which it is registered.
        classes: the ten class names, by label.
        train: the published training set.
        test: the published test set.
        origin: where the bytes were read from.
        synthetic: generated rather than measured; never mixed with real results.
        fallback_reason: why it stands in for the real dataset and what to do about
            it, in one line; None where it was requested by name.
    """

    name: str
    classes: tuple[str, ...]
    train: Split
    test: Split
    origin: Origin
    synthetic: bool = False
    fallback_reason: str | None = None

    @property
    def sha256(self) -> str:
        """Hex digest of the four arrays: the identity that records carry."""
        return content_sha256(self.train, self.test)


class Source(Protocol):
    """A registered dataset, as something that can be loaded."""

    @property
    def classes(self) -> tuple[str, ...]:
        """The ten class names, by label."""
        ...

    def load(self, data_dir: Path | None, cache_dir: Path) -> Dataset:
        """Return the verified dataset.

        Args:
            data_dir: a folder with the official files; None looks in the cache and then
                the network.
            cache_dir: where a verified copy is kept between runs.

        Raises:
            DataError: the dataset is not available, or the content is not the published one.
        """
        ...


DATASETS: Registry[type[Source]] = Registry("dataset", "DATASETS", "fmnist_jax.data.datasets")


def content_sha256(train: Split, test: Split) -> str:
    """Hex digest over shape and bytes of both splits' images and labels."""
    digest = hashlib.sha256()
    for array in (train.images, train.labels, test.images, test.labels):
        digest.update(repr(array.shape).encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
