"""What several parts measure on images: pure functions over arrays."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fmnist_jax.data.dataset import Images, Split

Floats = npt.NDArray[np.float64]

# As OpenCV's Canny(image, 100, 200, L2gradient=True): no smoothing (sigma 0), hysteresis on the
# 3x3 Sobel gradient of 0..255, the border repeated. 98.6% of the pixels of the first 1,000
# training images of Fashion-MNIST come out alike (OpenCV 4), edge densities 15.5% and 15.6%.
CANNY_SIGMA = 0.0
CANNY_THRESHOLDS = (100.0, 200.0)


def brightness(images: Images) -> Floats:
    """The mean pixel of each image, float64 [n] in [0, 255]."""
    return images.mean((1, 2), dtype=np.float64)


def centroids(split: Split, classes: int) -> Floats:
    """The mean image of each class, float64 [classes, 28, 28] in [0, 255]."""
    return np.stack(
        [split.images[split.labels == label].mean(0, dtype=np.float64) for label in range(classes)]
    )


def cosine_similarity(vectors: Floats) -> Floats:
    """The cosines [n, n] between vectors [n, ...], flattened; 0 beside a zero vector."""
    flat = vectors.reshape(len(vectors), -1)
    norms = np.linalg.norm(flat, axis=1, keepdims=True)
    unit = flat / np.where(norms > 0, norms, 1)
    return np.clip(unit @ unit.T, -1, 1)


def rank_pairs(scores: Floats) -> list[tuple[int, int]]:
    """The pairs (i, j), i < j, of a symmetric matrix [n, n], largest score first."""
    rows, columns = np.triu_indices(len(scores), 1)
    order = np.argsort(-scores[rows, columns], kind="stable")
    return [(int(rows[at]), int(columns[at])) for at in order]


def variance_within(split: Split, classes: int) -> Floats:
    """The variance of a pixel in [0, 1] within each class, averaged over pixels, [classes]."""
    images = split.images
    variances = (images[split.labels == label].var(0, dtype=np.float32) for label in range(classes))
    return np.array([variance.mean(dtype=np.float64) for variance in variances]) / 255.0**2


def find_edges(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """The Canny edges of an image, bool [28, 28] (Canny 1986, doi 10.1109/TPAMI.1986.4767851)."""
    from skimage.feature import canny

    low, high = CANNY_THRESHOLDS
    # scikit-image looks for no edges in the outermost pixels.
    padded = np.pad(image, 1, mode="edge")
    edges = canny(padded, sigma=CANNY_SIGMA, low_threshold=low, high_threshold=high)
    return np.asarray(edges[1:-1, 1:-1], np.bool_)


@dataclass(frozen=True)
class Components:
    """Principal components, largest variance first.

    Attributes:
        mean: float64 [d], the mean image in [0, 1].
        axes: float64 [d, d], one component a row.
        shares: float64 [d], each component's share of the variance; they add up to 1.
    """

    mean: Floats
    axes: Floats
    shares: Floats

    def count_for(self, share: float) -> int:
        """The fewest components that explain at least `share` of the variance, out of all."""
        return int(np.searchsorted(np.cumsum(self.shares), share - 1e-12) + 1)

    def project(self, images: Images, count: int) -> Floats:
        """The coordinates of images on the first `count` components, float64 [n, count]."""
        return (images.reshape(len(images), -1) / 255.0 - self.mean) @ self.axes[:count].T


def principal_components(images: Images, chunk: int = 10_000) -> Components:
    """All components of images, uint8 [n, 28, 28], from their covariance in float64.

    Args:
        images: at least two, not all alike.
        chunk: how many are turned into float64 at a time.
    """
    flat = images.reshape(len(images), -1)
    mean = flat.mean(0, dtype=np.float64) / 255.0
    scatter = np.zeros((flat.shape[1], flat.shape[1]))
    for start in range(0, len(flat), chunk):
        centred = flat[start : start + chunk] / 255.0 - mean
        scatter += centred.T @ centred
    values, vectors = np.linalg.eigh(scatter)
    values = np.maximum(values[::-1], 0)
    return Components(mean, np.ascontiguousarray(vectors[:, ::-1].T), values / values.sum())
