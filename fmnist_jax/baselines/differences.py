"""Differences between neighbouring pixels, for trees, which look at one number at a time.

A tree that splits by pixels must find an edge by two of them; one that splits by their
difference has it at once. Coarser images show the edges of larger parts.
"""

import numpy as np
import numpy.typing as npt

from fmnist_jax.data.dataset import SIDE

SIZES = (2, 4)  # pixels along a side of what is averaged for a coarser image
BATCH = 2_000  # images whose parts exist twice


def describe(pixels: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return what each image of `pixels` [n, 784] looks like at three sizes, float32 [n, 2205].

    The differences of every pixel to its neighbours on the right and below; then for each of
    `SIZES` the means over squares of that size, and the differences of these.
    """
    batches = (pixels[at : at + BATCH] for at in range(0, len(pixels), BATCH))
    return np.concatenate([_describe(batch) for batch in batches])


def _describe(pixels: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    images = pixels.reshape(-1, SIDE, SIDE)
    parts = _differences(images)
    for size in SIZES:
        count = SIDE // size
        means = images.reshape(-1, count, size, count, size).mean((2, 4))
        parts += [means, *_differences(means)]
    return np.concatenate([part.reshape(len(images), -1) for part in parts], axis=1)


def _differences(images: npt.NDArray[np.float32]) -> list[npt.NDArray[np.float32]]:
    """Return those to the right neighbours [n, s, s - 1] and to the lower ones [n, s - 1, s]."""
    return [np.diff(images, axis=2), np.diff(images, axis=1)]
