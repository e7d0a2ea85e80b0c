"""Corrupt images on the device and measure what accuracy is left.

A corruption is one function of images, of a key and of a severity from 1 to 5.
Names and strengths are those of MNIST-C and Fashion-MNIST-C where these have the
corruption; `occlusion` is ours.

References:
    Mu and Gilmer, MNIST-C: A Robustness Benchmark for Computer Vision, 2019, arXiv 1906.02337.
    Weiss and Tonella, Simple Techniques Work Surprisingly Well for Neural Network Test
    Prioritization and Active Learning, 2022 (Fashion-MNIST-C).
    Hendrycks and Dietterich, Benchmarking Neural Network Robustness to Common Corruptions
    and Perturbations, 2019, arXiv 1903.12261 (five severities, mean corruption accuracy).
"""

import math
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from fmnist_jax.data import augment
from fmnist_jax.data.dataset import Images

SEVERITIES = (1, 2, 3, 4, 5)
SAMPLE = 1_000  # images that are corrupted at a time
MIDDLE = 13.5  # of 28 pixels, as a coordinate

# float [n, 28, 28] in [0, 1], a key and a severity -> the same shape, before clipping
Corruption = Callable[[jax.Array, jax.Array, jax.Array], jax.Array]
Predict = Callable[[Images], npt.NDArray[np.floating]]


def translate(images: jax.Array, key: jax.Array, severity: jax.Array) -> jax.Array:
    """Move by 1 to 5 pixels along both axes, in random directions."""
    down, right = severity * _signs(key, 2, len(images))
    return augment.shift(images, down, right, max(SEVERITIES))


def rotate(images: jax.Array, key: jax.Array, severity: jax.Array) -> jax.Array:
    """Turn by 0.2 to 1 radian, in a random direction."""
    return augment.affine(images, 0.2 * severity * _signs(key, len(images)), _ones(images))


def scale(images: jax.Array, key: jax.Array, severity: jax.Array) -> jax.Array:
    """Shrink to 0.9 to 0.5 of the size."""
    return augment.affine(images, 0 * _ones(images), (1 - 0.1 * severity) * _ones(images))


def shear(images: jax.Array, key: jax.Array, severity: jax.Array) -> jax.Array:
    """Slant by a factor of 0.2 to 0.6 about the middle, in a random direction."""
    slant = _at(severity, 0.2, 0.3, 0.4, 0.5, 0.6) * _signs(key, len(images))[:, None, None]
    rows, columns = jnp.arange(28.0)[None, :, None], jnp.arange(28.0)[None, None, :]
    source = columns + slant * (rows - MIDDLE)
    left = jnp.floor(source)
    share = source - left

    def column(index: jax.Array) -> jax.Array:
        inside = (index >= 0) & (index < 28)
        index = jnp.clip(index, 0, 27).astype(jnp.int32)
        return jnp.where(inside, jnp.take_along_axis(images, index, axis=2), 0)

    return (1 - share) * column(left) + share * column(left + 1)


def gaussian_noise(images: jax.Array, key: jax.Array, severity: jax.Array) -> jax.Array:
    """Add normal noise of a deviation of 0.08 to 0.38."""
    deviation = _at(severity, 0.08, 0.12, 0.18, 0.26, 0.38)
    return images + deviation * jax.random.normal(key, images.shape)


def impulse_noise(images: jax.Array, key: jax.Array, severity: jax.Array) -> jax.Array:
    """Set a share of 0.03 to 0.27 of the pixels to black or to white."""
    share = _at(severity, 0.03, 0.06, 0.09, 0.17, 0.27)
    draw = jax.random.uniform(key, images.shape)
    return jnp.where(draw < share, jnp.where(draw < share / 2, 0.0, 1.0), images)


def gaussian_blur(images: jax.Array, key: jax.Array, severity: jax.Array) -> jax.Array:
    """Blur with a Gaussian of a deviation of 1 to 6 pixels, edges continued."""
    blur = _at(severity, *map(_line_blur, (1, 2, 3, 4, 6)))
    return jnp.einsum("ih,nhw,jw->nij", blur, images, blur, precision="highest")


def _line_blur(deviation: int) -> npt.NDArray[np.float64]:
    """A matrix that blurs a line of 28 pixels; weights beyond an edge fall on the edge."""
    reach = 4 * deviation
    weights = np.exp(-0.5 * np.square(np.arange(-reach, reach + 1) / deviation))
    matrix = np.zeros((28, 28))
    for row in range(28):
        source = np.clip(np.arange(row - reach, row + reach + 1), 0, 27)
        np.add.at(matrix[row], source, weights / weights.sum())
    return matrix


def motion_blur(images: jax.Array, key: jax.Array, severity: jax.Array) -> jax.Array:
    """Average along a line of 3 to 11 pixels at a random angle within 45 degrees.

    The lengths are ours: those of MNIST-C reach beyond an image of 28 pixels.
    """
    longest = max(SEVERITIES)
    steps = jnp.arange(-longest, longest + 1)
    angle = jax.random.uniform(key, (len(images),), minval=-math.pi / 4, maxval=math.pi / 4)
    down = jnp.round(steps[:, None] * jnp.sin(angle)).astype(jnp.int32)
    right = jnp.round(steps[:, None] * jnp.cos(angle)).astype(jnp.int32)
    moved = jax.vmap(partial(augment.shift, images, limit=longest))(down, right)
    weights = jnp.abs(steps) <= severity
    return jnp.einsum("s,snhw->nhw", weights / weights.sum(), moved, precision="highest")


def brightness(images: jax.Array, key: jax.Array, severity: jax.Array) -> jax.Array:
    """Add 0.1 to 0.5."""
    return images + 0.1 * severity


def contrast(images: jax.Array, key: jax.Array, severity: jax.Array) -> jax.Array:
    """Shrink the distance to the image's mean to 0.4 to 0.05 of itself."""
    mean = images.mean((1, 2), keepdims=True)
    return mean + _at(severity, 0.4, 0.3, 0.2, 0.1, 0.05) * (images - mean)


def inverse(images: jax.Array, key: jax.Array, severity: jax.Array) -> jax.Array:
    """Blend with the negative: 0.2 of it at severity 1, the negative itself at 5."""
    return images + 0.2 * severity * (1 - 2 * images)


def stripe(images: jax.Array, key: jax.Array, severity: jax.Array) -> jax.Array:
    """Invert the columns within 1 to 9 pixels of the left and of the right edge."""
    width = _at(severity, 1, 3, 5, 7, 9)
    column = jnp.arange(28)
    return jnp.where((column < width) | (column >= 28 - width), 1 - images, images)


def occlusion(images: jax.Array, key: jax.Array, severity: jax.Array) -> jax.Array:
    """Fill a square of 4 to 20 pixels, anywhere in the image, with mid-grey."""
    side = 4 * severity
    top, left = jax.random.randint(key, (2, len(images), 1, 1), 0, 28 - side + 1)
    rows, columns = jnp.arange(28)[None, :, None], jnp.arange(28)[None, None, :]
    inside = (rows >= top) & (rows < top + side) & (columns >= left) & (columns < left + side)
    return jnp.where(inside, 0.5, images)


CORRUPTIONS: Mapping[str, Corruption] = MappingProxyType(
    {
        corruption.__name__: corruption
        for corruption in (
            *(translate, rotate, scale, shear, gaussian_noise, impulse_noise, gaussian_blur),
            *(motion_blur, brightness, contrast, inverse, stripe, occlusion),
        )
    }
)


def corrupt(name: str, images: Images, severity: int, seed: int = 0) -> Images:
    """Corrupt uint8 images [n, 28, 28]; the same seed gives the same corruption.

    Args:
        name: of a corruption.
        images: uint8 [n, 28, 28].
        severity: 1 to 5.
        seed: of the random choices.

    Returns:
        uint8 [n, 28, 28].
    """
    key = jax.random.fold_in(jax.random.key(seed), list(CORRUPTIONS).index(name))
    return np.asarray(_corrupt(name, images, jax.random.fold_in(key, severity), severity))


@partial(jax.jit, static_argnames="name")
def _corrupt(name: str, images: jax.Array, key: jax.Array, severity: jax.Array) -> jax.Array:
    corrupted = CORRUPTIONS[name](images.astype(jnp.float32) / 255, key, severity)
    return jnp.round(255 * jnp.clip(corrupted, 0, 1)).astype(jnp.uint8)


def corruption_accuracy(
    predict: Predict, images: Images, labels: npt.ArrayLike, sample: int, seed: int = 0
) -> dict[str, list[float]]:
    """Measure the accuracy that each corruption leaves at each severity.

    Each of them is applied to images of its own choice, so that the mean over all
    rests on more images than one sample holds. A thousand are corrupted whatever `sample`
    is: the program that one model has compiled then serves the others, which see the same.

    Args:
        predict: uint8 [n, 28, 28] -> probabilities [n, classes].
        images: uint8 [n, 28, 28].
        labels: integers [n].
        sample: images for each corruption and severity, at most n and 1,000.
        seed: of the choices and of the corruptions.

    Returns:
        By corruption, five accuracies in [0, 1].
    """
    labels = np.asarray(labels)
    rng = np.random.default_rng(seed)

    def accuracies(name: str) -> list[float]:
        chosen = [
            rng.choice(len(images), min(SAMPLE, len(images)), replace=False) for _ in SEVERITIES
        ]
        corrupted = [
            corrupt(name, images[rows], severity, seed)[:sample]
            for severity, rows in zip(SEVERITIES, chosen, strict=True)
        ]
        # In one call: neighbours and kernels take a few images hardly faster than many.
        predicted = predict(np.concatenate(corrupted)).argmax(1).reshape(len(SEVERITIES), -1)
        expected = labels[np.stack(chosen)[:, :sample]]
        return [float(share) for share in np.mean(predicted == expected, axis=1)]

    return {name: accuracies(name) for name in CORRUPTIONS}


def _at(severity: jax.Array, *strengths: npt.ArrayLike) -> jax.Array:
    """The strength of a severity that is known only when the program runs."""
    return jnp.asarray(np.array(strengths), jnp.float32)[severity - 1]


def _ones(images: jax.Array) -> jax.Array:
    return jnp.ones(len(images))


def _signs(key: jax.Array, *shape: int) -> jax.Array:
    """-1 or 1, int32."""
    return 2 * jax.random.bernoulli(key, 0.5, shape).astype(jnp.int32) - 1
