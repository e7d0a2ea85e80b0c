"""Fill removed pixels in from what remains: noisy linear imputation.

Rong et al. 2022, "A Consistent and Efficient Evaluation Strategy for Attribution
Methods" (ROAD), arXiv 2202.00449, section 4: a pixel that is blackened can still be seen
as a hole; one that its surroundings predict cannot.

Solved by conjugate gradients, preconditioned by a multigrid cycle as of Briggs, Henson and
McCormick 2000, "A Multigrid Tutorial", chapter 3: alone they carry a value one pixel
further at each step, and the largest holes would take more than 40 steps.
"""

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jax import lax
from scipy import ndimage

NOISE = 0.01  # standard deviation, to be added to what is filled in
_STEPS = 5  # leave an error of a quarter of the noise at most, in the largest holes
_SWEEPS = 6  # of the Jacobi iteration on the coarsest grid, 7 pixels wide


def impute(images: jax.Array, removed: jax.Array) -> jax.Array:
    """Replace removed pixels by the weighted mean of their eight neighbours, all at once.

    Neighbours at a side weigh 1/6 and at a corner 1/12; those outside the image are
    left out. The linear system, one unknown per removed pixel, is symmetric and positive
    definite; it is solved for all images together and without a matrix.

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

    def step(
        _: int, state: tuple[jax.Array, jax.Array, jax.Array, jax.Array]
    ) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array]:
        x, residual, direction, size = state
        solution = approximate(residual, unknown)
        next_size = (residual * solution).sum((0, 1))
        direction = solution + _ratio(next_size, size) * direction
        image_of = system(direction, unknown)
        length = _ratio(next_size, (direction * image_of).sum((0, 1)))
        return x + length * direction, residual - length * image_of, direction, next_size

    mean = known.sum((0, 1)) / jnp.maximum((~unknown).sum((0, 1)), 1)
    start = jnp.where(unknown, mean, 0)
    residual = jnp.where(unknown, neighbours(known), 0) - system(start, unknown)
    state = (start, residual, jnp.zeros_like(start), jnp.zeros_like(mean))
    x, *_ = lax.fori_loop(0, _STEPS, step, state)
    filled: jax.Array = jnp.where(unknown, x, pixels).transpose(2, 0, 1)
    return filled.reshape(*batch, height, width)


def neighbours(x: jax.Array) -> jax.Array:
    """The weighted sum [h, w, n] of each pixel's neighbours, zero outside the image."""
    rows = jnp.pad(x, ((1, 1), (0, 0), (0, 0)))
    smooth = rows[:-2] + 2 * x + rows[2:]
    columns = jnp.pad(smooth, ((0, 0), (1, 1), (0, 0)))
    return (columns[:, :-2] + 2 * smooth + columns[:, 2:] - 4 * x) / 12


def system(x: jax.Array, unknown: jax.Array) -> jax.Array:
    """The left side of the linear system: what each unknown lacks of its neighbours' mean."""
    return jnp.where(unknown, _weight(x) * x - neighbours(x), 0)


def approximate(right: jax.Array, unknown: jax.Array) -> jax.Array:
    """Solve `system(x, unknown) = right` roughly, by one V-cycle; linear and symmetric.

    Half as many pixels in each direction carry on what is smooth: unknown there is a pixel
    whose four are.
    """

    def relax(x: jax.Array) -> jax.Array:
        return x + jnp.where(unknown, (right - system(x, unknown)) / _weight(x), 0)

    x = jnp.where(unknown, right / _weight(right), 0)
    height, width, count = right.shape
    if height % 2 or width % 2:
        return lax.fori_loop(0, _SWEEPS, lambda _, x: relax(x), x)
    pixels = unknown.reshape(height // 2, 2, width // 2, 2, count)
    coarse = pixels.all((1, 3))
    lack = jax.linear_transpose(enlarge, jax.ShapeDtypeStruct(coarse.shape, right.dtype))(
        right - system(x, unknown)
    )[0]
    correction = enlarge(approximate(jnp.where(coarse, lack, 0), coarse))
    return relax(x + jnp.where(unknown, correction, 0))


def enlarge(x: jax.Array) -> jax.Array:
    """Interpolate [h, w, n] to twice the height and width, bilinearly."""
    for axis in (0, 1):
        rows = jnp.moveaxis(x, axis, 0)
        padded = jnp.concatenate([rows[:1], rows, rows[-1:]])
        both = jnp.stack([0.75 * rows + 0.25 * padded[:-2], 0.75 * rows + 0.25 * padded[2:]], 1)
        x = jnp.moveaxis(both.reshape(-1, *rows.shape[1:]), 0, axis)
    return x


def _weight(x: jax.Array) -> npt.NDArray[np.float32]:
    """The sum [h, w, 1] of the weights of each pixel's neighbours."""
    kernel = np.array([[1, 2, 1], [2, 0, 2], [1, 2, 1]], np.float32) / 12
    return ndimage.convolve(np.ones(x.shape[:2], np.float32), kernel, mode="constant")[..., None]


def _ratio(above: jax.Array, below: jax.Array) -> jax.Array:
    """Their quotient, 0 at the start and where the solution has been reached, as below is 0."""
    return jnp.where(below > 0, above / jnp.where(below > 0, below, 1), 0)
