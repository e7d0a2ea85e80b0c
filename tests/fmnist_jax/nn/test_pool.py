"""Max pooling against NumPy, and where its gradient goes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fmnist_jax.nn.pool import max_pool


@settings(max_examples=12, deadline=None)
@given(
    beyond=st.tuples(st.integers(0, 11), st.integers(0, 11)),  # the first window
    window=st.sampled_from([1, 2, 3]),
    levels=st.sampled_from([1, 2, 1000]),  # few levels: many ties
)
def test_each_window_and_its_first_maximum(
    beyond: tuple[int, int], window: int, levels: int
) -> None:
    height, width = (window + more for more in beyond)
    rng = np.random.default_rng([height, width, window, levels])
    x = rng.integers(0, levels, (3, height, width, 5)).astype(np.float32)
    rows, columns = height // window, width // window
    dy = rng.normal(size=(3, rows, columns, 5)).astype(np.float32)
    want, gradient = np.zeros_like(dy), np.zeros_like(x)
    for n, i, j, c in np.ndindex(want.shape):
        place = np.s_[n, i * window : (i + 1) * window, j * window : (j + 1) * window, c]
        want[n, i, j, c] = x[place].max()
        first = np.unravel_index(x[place].argmax(), (window, window))
        gradient[place][first] = dy[n, i, j, c]

    @jax.jit
    def run(x: jax.Array, dy: jax.Array) -> tuple[jax.Array, jax.Array]:
        y, back = jax.vjp(lambda x: max_pool(x, window), x)
        return y, *back(dy)

    y, dx = run(x, dy)
    np.testing.assert_array_equal(y, want)
    np.testing.assert_array_equal(dx, gradient)


@pytest.mark.parametrize(("size", "pooled"), [(28, 14), (13, 6), (11, 5), (7, 3)])
def test_what_fills_no_window_is_left_out(size: int, pooled: int) -> None:
    assert max_pool(jnp.zeros((2, size, size, 1))).shape == (2, pooled, pooled, 1)


def test_a_window_larger_than_the_image_is_refused() -> None:
    with pytest.raises(ValueError, match="window of 3 does not fit into 5x2 pixels"):
        max_pool(jnp.zeros((1, 5, 2, 1)), 3)


def test_vmap_and_scan_give_what_a_loop_gives() -> None:
    xs = jax.random.normal(jax.random.key(0), (3, 2, 5, 7, 4))
    step = jax.grad(lambda x: jnp.square(max_pool(x)).sum())
    want = np.stack([jax.jit(step)(x) for x in xs])
    np.testing.assert_array_equal(jax.jit(jax.vmap(step))(xs), want)
    np.testing.assert_array_equal(jax.lax.map(step, xs), want)


def test_a_half_precision_gradient_keeps_its_type() -> None:
    x = jnp.ones((1, 4, 4, 1), jnp.bfloat16)
    assert jax.jit(jax.grad(lambda x: max_pool(x).sum()))(x).dtype == jnp.bfloat16
