"""Histograms of oriented gradients, for many images at a time.

Dalal and Triggs: Histograms of Oriented Gradients for Human Detection, CVPR 2005.
"""

import numpy as np
import numpy.typing as npt

from fmnist_jax.data.dataset import SIDE

BATCH = 500  # images whose votes stay in the processor's cache

Histograms = npt.NDArray[np.float32]


def describe(pixels: npt.NDArray[np.float32], *, orientations: int, cell: int) -> Histograms:
    """Return the histograms, float32 [n, cells * cells * orientations], of pixels [n, 784].

    Each pixel votes with the length of its gradient for the two nearest of the orientations
    around the full circle, in the four nearest cells, by its distance to each. The square
    root of a cell's sum takes the place of the normalisation of blocks: it tempers strong
    edges and keeps the contrast, which tells fabrics apart.

    Args:
        pixels: images in [0, 1].
        orientations: bins of the direction from dark to light.
        cell: pixels along a side of a cell; what remains of 28 is left on both sides.
    """
    batches = range(0, len(pixels), BATCH)
    return np.concatenate([_describe(pixels[i : i + BATCH], orientations, cell) for i in batches])


def _describe(pixels: npt.NDArray[np.float32], orientations: int, cell: int) -> Histograms:
    images = np.pad(pixels.reshape(-1, SIDE, SIDE), ((0, 0), (1, 1), (1, 1)))
    down = images[:, 2:, 1:-1] - images[:, :-2, 1:-1]
    right = images[:, 1:-1, 2:] - images[:, 1:-1, :-2]
    length = np.hypot(down, right)
    direction = np.arctan2(down, right) * np.float32(orientations / (2 * np.pi)) % orientations
    share = _cell_shares(cell)
    sums = []
    for orientation in range(orientations):
        away = np.abs(direction - orientation)
        away = np.minimum(away, orientations - away)
        votes = length * np.maximum(1 - away, 0)
        sums.append(share.T @ votes @ share)
    return np.sqrt(np.stack(sums, -1)).reshape(len(pixels), -1)


def _cell_shares(cell: int) -> Histograms:
    """Return how much of a pixel's vote each cell gets along one side, float32 [28, cells]."""
    cells = SIDE // cell
    centres = (np.arange(cells) - (cells - 1) / 2) * cell + (SIDE - 1) / 2
    away = np.abs(np.arange(SIDE)[:, None] - centres) / cell
    return np.maximum(1 - away, 0).astype(np.float32)
