"""Fill removed pixels in from what remains: noisy linear imputation.

Rong et al. 2022, "A Consistent and Efficient Evaluation Strategy for Attribution
Methods" (ROAD), arXiv 2202.00449, section 4: a pixel that is blackened can still be seen
as a hole; one that its surroundings predict cannot.
"""

import jax
import jax.numpy as jnp
from jax import lax

NOISE = 0.01  # standard deviation, to be added to what is filled in
# Conjugate gradients that leave an error of at most half the noise, in the largest holes.
_ITERATIONS = 40


def impute(images: jax.Array, removed: jax.Array) -> jax.Array:
    """Replace removed pixels by the weighted mean of their eight neighbours, all at once.

    Neighbours at a side weigh 1/6 and at a corner 1/12; those outside the image are
    left out. The linear system, one unknown per removed pixel, is symmetric and positive
    definite: conjugate gradients solve it, for all images together and without a matrix.

    Args:
        images: float32 [..., h, w].
        removed: bool [..., h, w]; at least one pixel of each image must remain.

    Returns:
        float32 [..., h, w], without noise.
    """
    *batch, height, width = images.shape
    # The images are the last axis, along which all arithmetic is the same.
    unknown = removed.reshape(-1, height, width).transpose(1, 2, 0)
    pixels = images.reshape(-1, height, width).transpose(1, 2, 0)
    known = jnp.where(unknown, 0, pixels)
    weight = neighbours(jnp.ones((height, width, 1), images.dtype))

    def system(x: jax.Array) -> jax.Array:
        return jnp.where(unknown, weight * x - neighbours(x), 0)

    def step(
        _: int, state: tuple[jax.Array, jax.Array, jax.Array, jax.Array]
    ) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array]:
        x, residual, direction, size = state
        image_of = system(direction)
        length = _ratio(size, (direction * image_of).sum((0, 1)))
        residual -= length * image_of
        scaled = residual / weight
        next_size = (residual * scaled).sum((0, 1))
        next_direction = scaled + _ratio(next_size, size) * direction
        return x + length * direction, residual, next_direction, next_size

    mean = known.sum((0, 1)) / jnp.maximum((~unknown).sum((0, 1)), 1)
    start = jnp.where(unknown, mean, 0)
    residual = jnp.where(unknown, neighbours(known), 0) - system(start)
    direction = residual / weight
    state = (start, residual, direction, (residual * direction).sum((0, 1)))
    x, *_ = lax.fori_loop(0, _ITERATIONS, step, state)
    filled: jax.Array = jnp.where(unknown, x, pixels).transpose(2, 0, 1)
    return filled.reshape(*batch, height, width)


def neighbours(x: jax.Array) -> jax.Array:
    """The weighted sum [h, w, n] of each pixel's neighbours, zero outside the image."""
    rows = jnp.pad(x, ((1, 1), (0, 0), (0, 0)))
    smooth = rows[:-2] + 2 * x + rows[2:]
    columns = jnp.pad(smooth, ((0, 0), (1, 1), (0, 0)))
    return (columns[:, :-2] + 2 * smooth + columns[:, 2:] - 4 * x) / 12


def _ratio(above: jax.Array, below: jax.Array) -> jax.Array:
    """Their quotient, 0 where the solution has been reached and both are."""
    return jnp.where(below > 0, above / jnp.where(below > 0, below, 1), 0)
