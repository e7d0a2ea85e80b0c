"""A dataset of ten patterned classes, small enough to analyse in a test."""

import numpy as np

from fmnist_jax.data.dataset import Dataset, Split


def small_split(per_class: int = 12, seed: int = 0) -> Split:
    """Ten classes, each a bright bar at a height of its own, with noise."""
    generator = np.random.default_rng(seed)
    labels = np.repeat(np.arange(10, dtype=np.uint8), per_class)
    images = generator.integers(0, 40, (len(labels), 28, 28)).astype(np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[2 * label + 3 : 2 * label + 7, 4:24] += np.uint8(120 + 9 * label)
    return Split(images, labels)


def small_dataset(per_class: int = 12, *, synthetic: bool = False) -> Dataset:
    """The training and the test set share no image."""
    return Dataset(
        name="small",
        classes=tuple(f"class {letter}" for letter in "abcdefghij"),
        train=small_split(per_class),
        test=small_split(4, seed=1),
        origin="generated",
        synthetic=synthetic,
    )
