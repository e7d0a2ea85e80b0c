"""A dataset that its publisher distributes as the MNIST family's four files."""

from pathlib import Path
from typing import ClassVar

from fmnist_jax.data.acquire import acquire, cache
from fmnist_jax.data.dataset import Dataset
from fmnist_jax.data.idx.card import DatasetCard
from fmnist_jax.data.idx.folder import read_folder


class IdxSource:
    """Load the dataset that `card` describes; each dataset is a subclass that sets it."""

    card: ClassVar[DatasetCard]

    @property
    def classes(self) -> tuple[str, ...]:
        """The ten class names, by label."""
        return self.card.classes

    def load(self, data_dir: Path | None, cache_dir: Path) -> Dataset:
        """Return the verified dataset.

        Args:
            data_dir: a folder with the four official files, which are read and verified
                without the cache; None looks in the cache and then the network.
            cache_dir: where a verified copy is kept between runs.

        Raises:
            DataError: the dataset is not available, or the content is not the published one.
        """
        if data_dir is not None:
            return read_folder(self.card, data_dir)
        return cache.find(self.card, cache_dir) or acquire.acquire(self.card, cache_dir)
