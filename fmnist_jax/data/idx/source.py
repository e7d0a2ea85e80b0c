"""A dataset that its publisher distributes as the MNIST family's four files."""

from pathlib import Path
from typing import ClassVar

from fmnist_jax.data.acquire import acquire, cache
from fmnist_jax.data.dataset import DATASETS, Dataset
from fmnist_jax.data.idx import format as idx
from fmnist_jax.data.idx.card import FILES, Arrays, ChecksumError, DatasetCard, assemble, check
from fmnist_jax.errors import DataError


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
            data_dir: a folder holding the four official files, gzipped or not,
                used and nothing else if given; it is quick to read and verify,
                so the cache takes no part. None looks in the cache and then the
                network.
            cache_dir: where a verified copy is kept between runs.

        Raises:
            DataError: it cannot be had, or what was found is not it.
        """
        if data_dir is not None:
            return from_folder(self.published, data_dir)
        return cache.find(self.published, cache_dir) or acquire.acquire(self.published, cache_dir)


def from_folder(published: DatasetCard, folder: Path) -> Dataset:
    """Read the four official files in `folder`.

    Raises:
        DataError: one of them is missing, damaged, or another dataset's.
    """
    if not folder.is_dir():
        state = "is not a folder" if folder.exists() else "does not exist"
        raise DataError(f"the data folder {folder} {state}: {published.remedy}")
    paths = [_locate(published, folder, file) for file in FILES]
    first, second, third, fourth = (_load(published, i, path) for i, path in enumerate(paths))
    arrays: Arrays = (first, second, third, fourth)
    return assemble(published, arrays, "data-dir")


def _locate(published: DatasetCard, folder: Path, file: str) -> Path:
    for path in (folder / f"{file}.gz", folder / file):
        if path.is_file():
            return path
    raise DataError(f"{folder} holds no {file}.gz: {published.remedy}")


def _load(published: DatasetCard, index: int, path: Path) -> idx.Bytes:
    try:
        array = idx.read(path)
        check(published, index, array)
        return array
    except ChecksumError as error:
        if other := _owner_of(error):
            raise DataError(
                f"{path.parent} does not hold {published.title}, {path.name} is {other.title}'s: "
                f"choose --dataset {other.name}, or give {published.title}'s folder with --data-dir"
            ) from error
        problem = str(error)
    except ValueError as error:
        problem = str(error)
    except OSError as error:
        problem = f"cannot be read ({error.strerror or error})"
    raise DataError(f"{path} {problem}: {published.remedy}")


def _owner_of(error: ChecksumError) -> DatasetCard | None:
    """The registered dataset that the file belongs to instead."""
    for name in DATASETS.catalogue:
        source = DATASETS[name]
        if issubclass(source, IdxSource) and source.published.md5[error.index] == error.md5:
            return source.published
    return None
