"""Maps that no network has made: what a method must beat before its score means anything.

The background of these images is black already, so that deleting pixels in the order of
a mere silhouette scores well. The controls show how well.
"""

from collections.abc import Callable

import numpy as np
from scipy import ndimage
from skimage.filters import sobel

from fmnist_jax.data.dataset import SIDE, Images
from fmnist_jax.explain.base import Maps

_GARMENT = 13  # of 255: darker pixels are background and its noise


def silhouette(images: Images) -> Maps:
    """Return 1 on the garment, holes filled, and 0 around it.

    Args:
        images: uint8 [n, 28, 28].

    Returns:
        float32 [n, 28, 28].
    """
    filled = [ndimage.binary_fill_holes(image >= _GARMENT) for image in images]
    return np.array(filled, np.float32).reshape(images.shape)


def random(images: Images) -> Maps:
    """Return independent uniform noise; arguments and result as of `silhouette`."""
    return np.random.default_rng(0).random(images.shape, np.float32)


def gaussian(images: Images) -> Maps:
    """Return a blob in the centre, a quarter of the image wide; as of `silhouette`."""
    away = (np.arange(SIDE) - (SIDE - 1) / 2) / (SIDE / 4)
    line = np.exp(-(away**2) / 2)
    return np.broadcast_to(np.outer(line, line).astype(np.float32), images.shape).copy()


def edges(images: Images) -> Maps:
    """Return the strength of the image's edges (Sobel); as of `silhouette`."""
    strength = [sobel(image.astype(np.float32) / 255) for image in images]
    maps = np.array(strength, np.float32).reshape(images.shape)
    top = maps.max((1, 2), keepdims=True)
    return np.divide(maps, top, out=np.zeros_like(maps), where=top > 0)


CONTROLS: dict[str, Callable[[Images], Maps]] = {
    "random": random,
    "gaussian": gaussian,
    "sobel": edges,
    "silhouette": silhouette,
}
