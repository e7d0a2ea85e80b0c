"""Convolution and pooling in one, against the two after one another in float64."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fmnist_jax.nn.conv import Conv, Padding, conv2d
from fmnist_jax.nn.conv_pool import ConvPool, conv_pool
from fmnist_jax.nn.pool import max_pool
from tests.fmnist_jax.nn.test_conv import close, drawn, f32, reference


@settings(max_examples=6, deadline=None)
@given(
    n=st.integers(1, 5),
    height=st.integers(6, 13),
    width=st.integers(6, 13),
    ci=st.sampled_from([1, 1, 3]),
    k=st.sampled_from([1, 3, 5]),
    window=st.sampled_from([1, 2, 3]),
    padding=st.sampled_from(["SAME", "VALID"]),
)
@example(n=4, height=28, width=28, ci=1, k=3, window=2, padding="SAME")
@example(n=3, height=28, width=28, ci=1, k=3, window=2, padding="VALID")
def test_values_and_gradients(
    n: int, height: int, width: int, ci: int, k: int, window: int, padding: Padding
) -> None:
    if padding == "VALID" and min(height, width) - k + 1 < window:
        return  # no window fits
    x, kernel = drawn(n, height, width, ci, 4, k)
    y = reference(x, kernel, 1, padding)[0]
    rows, columns = y.shape[1] // window, y.shape[2] // window
    want = np.full((n, rows, columns, 4), -np.inf)
    dy = np.random.default_rng(2).normal(size=want.shape)
    first = np.zeros(want.shape, int)
    for place in range(window**2):
        i, j = divmod(place, window)
        view = y[:, i : rows * window : window, j : columns * window : window]
        first[view > want], want = place, np.maximum(view, want)
    # Relu lets half of it through; what is too near to zero for float32 to tell, never.
    bias = np.random.default_rng(3).normal(size=4) - np.median(want)
    passes = want + bias > 0
    near = np.abs(want + bias) < 1e-4 * np.abs(want).max()
    dy[near] = 0
    dz = np.zeros_like(y)
    for place in range(window**2):
        i, j = divmod(place, window)
        dz[:, i : rows * window : window, j : columns * window : window] = (
            dy * passes * (first == place)
        )
    # The reference takes its own dy; gradients are linear in it, so put ours in its place.
    dx, dk = gradients(x, kernel, padding, dz)

    @jax.jit
    def run(
        x: jax.Array, kernel: jax.Array, bias: jax.Array, dy: jax.Array
    ) -> tuple[jax.Array, ...]:
        together = partial(conv_pool, padding=padding, window=window)
        y, back = jax.vjp(together, x, kernel, bias)
        return together(x, kernel, bias), y, *back(dy)

    y = np.maximum(want + bias, 0)
    got = run(f32(x), f32(kernel), f32(bias), f32(dy))
    for mine, theirs in zip(got, (y, y, dx, dk, dz.sum((0, 1, 2))), strict=True):
        close(mine, theirs)


def gradients(x, kernel, padding, dz):
    """Of sum(conv(x, kernel) * dz), in float64."""
    with jax.enable_x64(True):
        conv = partial(
            jax.lax.conv_general_dilated,
            window_strides=(1, 1),
            padding=padding,
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
        )
        back = jax.jit(lambda x, kernel, dz: jax.vjp(conv, x, kernel)[1](dz))
        return [np.asarray(a) for a in back(x, kernel, dz)]


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
def test_on_a_tie_the_first_takes_the_gradient(padding: Padding) -> None:
    x, kernel, bias = jnp.ones((3, 8, 8, 1)), jnp.ones((3, 3, 1, 2)), jnp.array([1.0, -6.0])

    def apart(kernel: jax.Array) -> jax.Array:
        return nn.relu(max_pool(conv2d(x, kernel, padding=padding)) + bias).sum()

    def together(kernel: jax.Array) -> jax.Array:
        return conv_pool(x, kernel, bias, padding=padding).sum()

    got, want = (jax.jit(jax.grad(loss))(kernel) for loss in (together, apart))
    np.testing.assert_allclose(got, want)


def test_the_layer_is_convolution_bias_relu_and_pooling() -> None:
    x = f32(drawn(5, 9, 10, 1, 1, 1)[0])
    layer, conv = ConvPool(6), Conv(6)
    params = layer.init(jax.random.key(0), x)
    assert jax.tree.map(jnp.shape, params) == jax.tree.map(
        jnp.shape, jax.eval_shape(conv.init, jax.random.key(0), x)
    )
    params["params"]["bias"] = jnp.linspace(-1.0, 1.0, 6)
    want = jax.jit(lambda params, x: max_pool(nn.relu(conv.apply(params, x))))
    np.testing.assert_allclose(jax.jit(layer.apply)(params, x), want(params, x), atol=1e-5)


def test_vmap_and_scan_give_what_a_loop_gives() -> None:
    xs = f32(drawn(3 * 5, 8, 8, 1, 1, 1)[0]).reshape(3, 5, 8, 8, 1)
    kernels = f32(drawn(1, 1, 1, 3, 4, 3)[1]).reshape(3, 3, 3, 1, 4)
    bias = jnp.linspace(-1.0, 1.0, 4)
    step = jax.grad(lambda x, kernel: jnp.square(conv_pool(x, kernel, bias)).sum(), (0, 1))
    want = [jax.jit(step)(*pair) for pair in zip(xs, kernels, strict=True)]
    mapped = jax.jit(jax.vmap(step))(xs, kernels)
    _, scanned = jax.lax.scan(lambda _, pair: (None, step(*pair)), None, (xs, kernels))
    for i in range(3):
        for a, b, c in zip(want[i], mapped, scanned, strict=True):
            np.testing.assert_allclose(b[i], a, rtol=1e-5, atol=1e-4)
            np.testing.assert_allclose(c[i], a, rtol=1e-5, atol=1e-4)


def test_bfloat16_computes_beside_float32_parameters() -> None:
    x = f32(drawn(5, 8, 8, 1, 1, 1)[0])
    layer = ConvPool(4, dtype=jnp.bfloat16)
    params = layer.init(jax.random.key(0), x)

    def loss(params: Any) -> tuple[jax.Array, jax.Array]:
        y = layer.apply(params, x)
        return y.astype(jnp.float32).sum(), y

    gradient, y = jax.jit(jax.grad(loss, has_aux=True))(params)
    assert y.dtype == jnp.bfloat16
    assert all(leaf.dtype == jnp.float32 for leaf in jax.tree.leaves(gradient))
