"""Read a published dataset from a folder, with tolerance for the names of its files."""

from collections.abc import Iterator
from pathlib import Path

from fmnist_jax.data.dataset import DATASETS, Dataset, Split
from fmnist_jax.data.idx import format as idx
from fmnist_jax.data.idx.card import FILES, Arrays, ChecksumError, DatasetCard, assemble, check
from fmnist_jax.errors import DataError
from fmnist_jax.system.paths import folder_problem

# The folder itself, then what unpackers and other libraries put between it and the files.
_DEPTHS = ("*", "*/*", "*/*/*")


def read_folder(card: DatasetCard, folder: Path) -> Dataset:
    """Read the four official files in `folder`, or in a folder below it.

    The content of a file decides, not its name: it may be gzipped or not, and named
    with a dot for a hyphen, as on some mirrors.

    Raises:
        DataError: one of them is missing, damaged, or another dataset's.
    """
    first, second, third, fourth = _read_files(card, folder, len(FILES))
    arrays: Arrays = (first, second, third, fourth)
    return assemble(card, arrays, "data-dir")


def read_training_folder(card: DatasetCard, folder: Path) -> Split:
    """Read the training set alone; the test set's files need not be in `folder`.

    Raises:
        DataError: one of its two files is missing, damaged, or another dataset's.
    """
    images, labels = _read_files(card, folder, 2)
    return Split(images, labels)


def _read_files(card: DatasetCard, folder: Path, count: int) -> list[idx.Bytes]:
    """Return the verified contents of the first `count` of `FILES`."""
    if problem := folder_problem(folder):
        raise DataError(f"the data folder {folder} {problem}", card.remedy)
    return [_read(card, index, folder) for index in range(count)]


def _read(card: DatasetCard, index: int, folder: Path) -> idx.Bytes:
    """Return the verified content of `FILES[index]`, from the first file that has it.

    Raises:
        DataError: no file has it; the message says what is wrong with the first of that name.
    """
    refusal = None
    for path in _locate(folder, FILES[index]):
        try:
            return _load(card, index, path)
        except DataError as error:
            refusal = refusal or error
    raise refusal or DataError(f"{folder} holds no {FILES[index]}.gz", card.remedy)


def _locate(folder: Path, file: str) -> Iterator[Path]:
    """Yield the files below `folder` that are called `file`, the nearest first."""
    for depth in _DEPTHS:
        for path in sorted(folder.glob(depth), reverse=True):  # x.gz before x
            if path.name.lower().replace(".", "-").removesuffix("-gz") == file and _is_file(path):
                yield path


def _is_file(path: Path) -> bool:
    """Whether `path` is a file, or may be one in a folder that cannot be searched."""
    try:
        return path.is_file()
    except OSError:
        return True


def _load(card: DatasetCard, index: int, path: Path) -> idx.Bytes:
    try:
        array = idx.read(path)
        check(card, index, array)
        return array
    except ChecksumError as error:
        if other := _owner_of(error):
            raise DataError(
                f"{path.parent} does not hold {card.title}, {path.name} is {other.title}'s",
                f"choose --dataset {other.name}, or name {card.title}'s folder by --data-dir",
            ) from error
        problem = str(error)
    except ValueError as error:
        problem = str(error)
    except OSError as error:
        problem = f"cannot be read ({error.strerror or error})"
    raise DataError(f"{path} {problem}", card.remedy)


def _owner_of(error: ChecksumError) -> DatasetCard | None:
    """Return the card of the registered dataset that the file belongs to; None if there is none."""
    for name in DATASETS.catalogue:
        card = getattr(DATASETS[name], "card", None)
        if isinstance(card, DatasetCard) and card.md5[error.index] == error.md5:
            return card
    return None
