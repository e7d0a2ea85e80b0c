"""Stratified train, validation and test splits."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fmnist_jax.data.dataset import Dataset, Labels, Split
from fmnist_jax.errors import UserError

Indices = npt.NDArray[np.int64]

VALIDATION_IMAGES = 5_000  # unless a config says otherwise


@dataclass(frozen=True)
class Splits:
    """The images to train on, to tune on, and to test on once.

    Attributes:
        train: from the published training set.
        validation: from the published training set, disjoint from `train`.
        test: the published test set, or a part of it.
        train_index: int64 [len(train)], ascending positions in the published training set.
        validation_index: int64 [len(validation)], likewise.
        test_index: int64 [len(test)], ascending positions in the published test set.
    """

    train: Split
    validation: Split
    test: Split
    train_index: Indices
    validation_index: Indices
    test_index: Indices


def make_splits(
    dataset: Dataset,
    seed: int = 0,
    *,
    validation_images: int = VALIDATION_IMAGES,
    train_images: int | None = None,
    test_images: int | None = None,
) -> Splits:
    """Split `dataset`, with the classes in equal proportion in every split.

    Images keep their published order within each split. The validation set
    depends on `seed` and `validation_images` only, and the test subset on `seed`
    and `test_images` only, so that runs of different size stay comparable.

    Args:
        dataset: with 60,000 training and 10,000 test images where published.
        seed: the only source of randomness.
        validation_images: taken from the training set.
        train_images: how many of the remaining training images to keep; None is all.
        test_images: how many test images to keep; None is all.

    Raises:
        UserError: an impossible size.
    """
    available = np.arange(len(dataset.train))
    train_index, validation_index = _take(
        "validation_images", validation_images, available, dataset.train.labels, seed
    )
    if train_images is not None and train_images != len(train_index):
        _, train_index = _take(
            "train_images", train_images, train_index, dataset.train.labels, seed
        )
    test_index = np.arange(len(dataset.test))
    if test_images is not None and test_images != len(test_index):
        _, test_index = _take("test_images", test_images, test_index, dataset.test.labels, seed)
    return Splits(
        train=_subset(dataset.train, train_index),
        validation=_subset(dataset.train, validation_index),
        test=_subset(dataset.test, test_index) if test_images is not None else dataset.test,
        train_index=train_index,
        validation_index=validation_index,
        test_index=test_index,
    )


def _subset(split: Split, index: Indices) -> Split:
    return Split(split.images[index], split.labels[index])


def _take(
    name: str, count: int, index: Indices, labels: Labels, seed: int
) -> tuple[Indices, Indices]:
    """Divide the positions `index` into the others and `count` drawn ones, each ascending."""
    classes, members = np.unique(labels[index], return_counts=True)
    least, most = len(classes), len(index) - len(classes)
    if not least <= count <= most or members.min() < 2:
        alternative = "" if name == "validation_images" else f", or {len(index):,} for all"
        raise UserError(
            f"{name} = {count:,} is impossible with {len(index):,} images of {len(classes)} "
            f"classes to choose from: choose {least:,} to {most:,}{alternative}"
        )
    drawn = _draw_stratified(labels[index], count, np.random.RandomState(seed))
    return index[~drawn], index[drawn]


def _draw_stratified(
    labels: Labels, count: int, random: np.random.RandomState
) -> npt.NDArray[np.bool_]:
    """Draw `count` positions with the classes in proportion.

    These are the positions that scikit-learn's `train_test_split` draws, so that a seed
    means what it means elsewhere. To import scikit-learn takes a second, in every process.

    Args:
        labels: [n], of the positions to choose from.
        count: how many to draw.
        random: the source of randomness.

    Returns:
        bool [n], whether a position is drawn.
    """
    drawn = np.zeros(len(labels), np.bool_)
    _, members = np.unique(labels, return_counts=True)
    kept = _share_out(members, len(labels) - count, random)
    _share_out(members - kept, count, random)  # it takes the rest, and random numbers
    by_class = np.split(np.argsort(labels, kind="stable"), np.cumsum(members)[:-1])
    for positions, keep in zip(by_class, kept, strict=True):
        drawn[random.permutation(positions)[keep:]] = True
    return drawn


def _share_out(members: Indices, count: int, random: np.random.RandomState) -> Indices:
    """Return how many of `count` each class gets, by the largest remainder; ties are drawn."""
    exact = members / members.sum() * count
    shares = np.floor(exact).astype(np.int64)
    remainders = exact - shares
    for remainder in np.unique(remainders)[::-1]:
        if missing := count - shares.sum():
            tied = np.flatnonzero(remainders == remainder)
            shares[random.choice(tied, min(len(tied), missing), replace=False)] += 1
    return shares
