"""A dataset that its publisher distributes as the MNIST family's four files."""

from pathlib import Path
from typing import ClassVar

from fmnist_jax.data.acquire import acquire, cache
from fmnist_jax.data.dataset import Dataset
from fmnist_jax.data.idx.card import DatasetCard
from fmnist_jax.data.idx.folder import read_folder


class IdxSource:
    """Loads what `published` describes. A dataset is a subclass that sets it."""

    published: ClassVar[DatasetCard]

    @property
    def classes(self) -> tuple[str, ...]:
        """The ten class names, by label."""
        return self.published.classes

    def load(self, data_dir: Path | None, cache_dir: Path) -> Dataset:
        """Return the verified dataset.

        Args:
            data_dir: a folder holding the four official files, used and nothing
                else if given; it is quick to read and verify, so the cache takes
                no part. None looks in the cache and then the network.
            cache_dir: where a verified copy is kept between runs.

        Raises:
            DataError: it cannot be had, or what was found is not it.
        """
        if data_dir is not None:
            return read_folder(self.published, data_dir)
        return cache.find(self.published, cache_dir) or acquire.acquire(self.published, cache_dir)
