"""Describe a published IDX dataset: its names, address, sizes and checksums."""

from dataclasses import dataclass

from fmnist_jax.data.dataset import CLASSES, SIDE, Dataset, Origin, Split
from fmnist_jax.data.idx import format as idx

# The family's four files, in the order of `DatasetCard.md5` and `Arrays`.
FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
Arrays = tuple[idx.Bytes, idx.Bytes, idx.Bytes, idx.Bytes]


@dataclass(frozen=True)
class DatasetCard:
    """A dataset's identity and address.

    Attributes:
        name: the name under which it is registered.
        title: its name in messages.
        classes: the ten class names, by label.
        url: the folder with the four gzipped files, as tensorflow-datasets
            spells it, because it keeps their checksums by address.
        megabytes: what a download transfers, in MB.
        sizes: the number of training and of test images.
        md5: hex digests of the four decompressed files, in the order of `FILES`.
    """

    name: str
    title: str
    classes: tuple[str, ...]
    url: str
    megabytes: int
    sizes: tuple[int, int]
    md5: tuple[str, str, str, str]

    @property
    def urls(self) -> tuple[str, ...]:
        """The addresses of the four gzipped files, in the order of `FILES`."""
        return tuple(f"{self.url}/{file}.gz" for file in FILES)

    @property
    def remedy(self) -> str:
        """The last resort, as the remedy of an error."""
        return (
            f"fetch the four official files from {self.url} into a folder and name it "
            "by --data-dir or FMNIST_DATA_DIR"
        )


class ChecksumError(ValueError):
    """A well-formed file is not the published one.

    Attributes:
        index: its position in `FILES`.
        md5: the digest it has.
    """

    def __init__(self, card: DatasetCard, index: int, md5: str) -> None:
        super().__init__(f"has the wrong checksum (md5 {md5}, {card.title} has {card.md5[index]})")
        self.index = index
        self.md5 = md5


def check(card: DatasetCard, index: int, array: idx.Bytes) -> None:
    """Check that `array` is the content of `FILES[index]`.

    Raises:
        ValueError: wrong shape, or a label out of range.
        ChecksumError: the right shape and labels, but not the published bytes.
    """
    images = index % 2 == 0
    count = card.sizes[index // 2]
    expected = (count, SIDE, SIDE) if images else (count,)
    if array.shape != expected:
        raise ValueError(f"has the shape {array.shape}, {card.title} has {expected}")
    if not images and array.max() >= CLASSES:
        where = int((array >= CLASSES).argmax())
        raise ValueError(f"has the label {array[where]} at index {where}, labels end at 9")
    if (md5 := idx.md5(array)) != card.md5[index]:
        raise ChecksumError(card, index, md5)


def assemble(card: DatasetCard, arrays: Arrays, origin: Origin) -> Dataset:
    """Make a dataset of four arrays that `check` accepted."""
    for array in arrays:
        array.flags.writeable = False  # shared by everything that runs in this process
    train_images, train_labels, test_images, test_labels = arrays
    return Dataset(
        name=card.name,
        classes=card.classes,
        train=Split(train_images, train_labels),
        test=Split(test_images, test_labels),
        origin=origin,
    )
