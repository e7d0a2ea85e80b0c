"""Max pooling that is fast on a CPU and deterministic everywhere."""

from functools import partial, reduce

import jax
import jax.numpy as jnp
from jax import lax


def max_pool(x: jax.Array, window: int = 2) -> jax.Array:
    """Take the maximum of every window of a non-overlapping grid.

    Rows and columns that do not fill a window are left out, as in VALID padding.
    The gradient of a window goes to its maximum, and on a tie to the first in
    row-major order, whatever the backend: no scatter, so nothing to race.

    Args:
        x: float [n, height, width, channels].
        window: side of the windows, and their distance.

    Returns:
        Same dtype, [n, height // window, width // window, channels].

    Raises:
        ValueError: if not a single window fits into the image.
    """
    height, width = x.shape[1:3]
    if window > min(height, width):
        raise ValueError(f"a pooling window of {window} does not fit into {height}x{width} pixels")
    return _max_pool(x, window)


@partial(jax.custom_vjp, nondiff_argnums=(1,))
def _max_pool(x: jax.Array, window: int) -> jax.Array:
    # Alone, XLA's own pooling is the faster: slices draw the layers before them into
    # the maximum and compute them once per slice.
    steps = (1, window, window, 1)
    y: jax.Array = lax.reduce_window(
        x, jnp.array(-jnp.inf, x.dtype), lax.max, steps, steps, "VALID"
    )
    return y


def _fwd(x: jax.Array, window: int) -> tuple[jax.Array, jax.Array]:
    # In training x is kept for the gradient anyway, and slices are the faster.
    y = reduce(jnp.maximum, _views(x, window))
    return y, x


def _bwd(window: int, x: jax.Array, dy: jax.Array) -> tuple[jax.Array]:
    n, height, width, channels = x.shape
    rows, columns = height // window, width // window
    parts = _to_first_maximum(_views(x, window), dy)
    # [n, rows, columns, window * window, channels] -> pixels
    dx = jnp.stack(parts, axis=3).reshape(n, rows, columns, window, window, channels)
    dx = dx.swapaxes(2, 3).reshape(n, rows * window, columns * window, channels)
    rest = ((0, 0), (0, height - rows * window), (0, width - columns * window), (0, 0))
    return (jnp.pad(dx, rest),)


_max_pool.defvjp(_fwd, _bwd)


def _views(x: jax.Array, window: int) -> list[jax.Array]:
    """The members of all windows, [n, h', w', c] each, in row-major order."""
    n, height, width, channels = x.shape
    ends = (n, height // window * window, width // window * window, channels)
    steps = (1, window, window, 1)
    places = [(i, j) for i in range(window) for j in range(window)]
    return [lax.slice(x, (0, i, j, 0), ends, steps) for i, j in places]


def _to_first_maximum(views: list[jax.Array], dy: jax.Array) -> list[jax.Array]:
    """The gradient of each of several arrays, if `dy` is that of their elementwise maximum.

    On a tie the first takes it.
    """
    if len(views) == 1:
        return [dy]
    half = len(views) // 2
    left, right = views[:half], views[half:]
    first = reduce(jnp.maximum, left) >= reduce(jnp.maximum, right)
    return [
        *_to_first_maximum(left, jnp.where(first, dy, 0)),
        *_to_first_maximum(right, jnp.where(first, 0, dy)),
    ]
