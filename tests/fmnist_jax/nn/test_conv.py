"""The convolution against plain sums in float64, and against flax.linen.Conv."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import pytest
from flax import linen as nn
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fmnist_jax.nn.conv import Conv, Padding, conv2d

Array = npt.NDArray[np.float64]


def reference(
    x: Array, kernel: Array, strides: int, padding: Padding
) -> tuple[Array, Array, Array, Array]:
    """Result, its gradient dy, and the gradients of sum(result * dy), one tap at a time."""
    k = kernel.shape[0]
    out = [-(-s // strides) if padding == "SAME" else (s - k) // strides + 1 for s in x.shape[1:3]]
    pads = [
        max((o - 1) * strides + k - s, 0) if padding == "SAME" else 0
        for o, s in zip(out, x.shape[1:3], strict=True)
    ]
    lows = [p // 2 for p in pads]
    around = [(low, p - low) for low, p in zip(lows, pads, strict=True)]
    padded = np.pad(x, ((0, 0), *around, (0, 0)))
    y = np.zeros((len(x), *out, kernel.shape[3]))
    dy = np.random.default_rng(1).normal(size=y.shape)
    dx, dk = np.zeros_like(padded), np.zeros_like(kernel)
    for i in range(k):
        for j in range(k):
            rows = slice(i, i + (out[0] - 1) * strides + 1, strides)
            columns = slice(j, j + (out[1] - 1) * strides + 1, strides)
            y += padded[:, rows, columns] @ kernel[i, j]
            dx[:, rows, columns] += dy @ kernel[i, j].T
            dk[i, j] = np.einsum("nhwi,nhwo->io", padded[:, rows, columns], dy)
    (top, left), (height, width) = lows, x.shape[1:3]
    return y, dy, dx[:, top : top + height, left : left + width], dk


def drawn(n: int, height: int, width: int, ci: int, co: int, k: int) -> tuple[Array, Array]:
    rng = np.random.default_rng([n, height, width, ci, co, k])
    return rng.normal(size=(n, height, width, ci)), rng.normal(size=(k, k, ci, co))


def f32(a: Array) -> jax.Array:
    return jnp.asarray(a, jnp.float32)


def close(got: jax.Array, want: Array, tolerance: float = 1e-5) -> None:
    assert got.shape == want.shape
    np.testing.assert_allclose(
        np.asarray(got, np.float64), want, rtol=0, atol=tolerance * max(np.abs(want).max(), 1e-30)
    )


@settings(max_examples=7, deadline=None)
@given(
    n=st.integers(1, 19),
    height=st.integers(5, 15),
    width=st.integers(5, 15),
    ci=st.sampled_from([1, 2, 5, 32]),
    co=st.sampled_from([1, 3, 32]),
    k=st.sampled_from([1, 3, 5]),
    strides=st.sampled_from([1, 2]),
    padding=st.sampled_from(["SAME", "VALID"]),
)
@example(n=5, height=14, width=14, ci=32, co=32, k=3, strides=1, padding="SAME")
@example(n=9, height=13, width=13, ci=32, co=64, k=3, strides=1, padding="VALID")
@example(n=9, height=8, width=7, ci=3, co=4, k=3, strides=2, padding="SAME")
@example(n=2, height=1, width=1, ci=3, co=4, k=3, strides=2, padding="SAME")
def test_values_and_gradients(
    n: int, height: int, width: int, ci: int, co: int, k: int, strides: int, padding: Padding
) -> None:
    x, kernel = drawn(n, height, width, ci, co, k)
    y, dy, dx, dk = reference(x, kernel, strides, padding)

    @jax.jit
    def run(x: jax.Array, kernel: jax.Array, dy: jax.Array) -> tuple[jax.Array, ...]:
        convolve = partial(conv2d, strides=strides, padding=padding)
        y, back = jax.vjp(convolve, x, kernel)
        return convolve(x, kernel), y, *back(dy)

    for got, want in zip(run(f32(x), f32(kernel), f32(dy)), (y, y, dx, dk), strict=True):
        close(got, want)


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize("strides", [1, 2])
def test_it_takes_the_place_of_the_layer_of_flax(padding: Padding, strides: int) -> None:
    x = f32(drawn(4, 9, 8, 3, 1, 1)[0])
    theirs = nn.Conv(6, (3, 3), strides=strides, padding=padding)
    ours = Conv(6, strides=strides, padding=padding)
    params = theirs.init(jax.random.key(0), x)
    assert jax.tree.map(jnp.shape, params) == jax.tree.map(
        jnp.shape, jax.eval_shape(ours.init, jax.random.key(0), x)
    )
    params = jax.tree.map(lambda a: a + 0.1, params)
    got, want = (jax.jit(layer.apply)(params, x) for layer in (ours, theirs))
    np.testing.assert_allclose(got, want, atol=1e-5)


def test_a_layer_without_bias() -> None:
    init = Conv(2, use_bias=False).init
    params = jax.eval_shape(init, jax.random.key(0), jnp.zeros((1, 4, 4, 3)))
    assert list(params["params"]) == ["kernel"]


def test_bfloat16_computes_beside_float32_parameters() -> None:
    x = f32(drawn(9, 7, 7, 4, 1, 1)[0])
    half, full = Conv(8, padding="VALID", dtype=jnp.bfloat16), Conv(8, padding="VALID")
    params = half.init(jax.random.key(0), x)
    assert jax.jit(half.apply)(params, x).dtype == jnp.bfloat16

    def gradients(layer: Conv) -> tuple[jax.Array, jax.Array]:
        loss = lambda params, x: layer.apply(params, x).astype(jnp.float32).sum()  # noqa: E731
        dparams, dx = jax.jit(jax.grad(loss, argnums=(0, 1)))(params, x)
        return dparams["params"]["kernel"], dx

    for got, want in zip(gradients(half), gradients(full), strict=True):
        assert got.dtype == jnp.float32
        close(got, np.asarray(want, np.float64), tolerance=0.05)


def loss(x: jax.Array, kernel: jax.Array) -> jax.Array:
    return jnp.square(conv2d(x, kernel, padding="VALID")).sum()


def test_vmap_and_scan_give_what_a_loop_gives() -> None:
    xs = f32(drawn(3 * 9, 6, 6, 2, 1, 1)[0]).reshape(3, 9, 6, 6, 2)
    kernels = f32(drawn(1, 1, 1, 2 * 3, 4, 3)[1]).reshape(3, 3, 3, 2, 4)
    step = jax.grad(loss, argnums=(0, 1))
    want = [jax.jit(step)(x, kernel) for x, kernel in zip(xs, kernels, strict=True)]
    mapped = jax.jit(jax.vmap(step))(xs, kernels)
    _, scanned = jax.lax.scan(lambda _, args: (None, step(*args)), None, (xs, kernels))
    for i in range(3):
        for a, b, c in zip(want[i], mapped, scanned, strict=True):
            np.testing.assert_allclose(b[i], a, rtol=1e-5, atol=1e-4)
            np.testing.assert_allclose(c[i], a, rtol=1e-5, atol=1e-4)


@pytest.mark.skipif(jax.device_count() < 2, reason="needs two devices")
def test_two_devices_give_what_one_gives() -> None:
    x, kernel = f32(drawn(18, 6, 6, 2, 1, 1)[0]), f32(drawn(1, 1, 1, 2, 4, 3)[1])
    want = jax.jit(jax.grad(loss, argnums=1))(x, kernel)

    def part(x: jax.Array, kernel: jax.Array) -> jax.Array:
        return jax.lax.psum(jax.grad(loss, argnums=1)(x, kernel), "d")

    halves = x.reshape(2, 9, 6, 6, 2)
    got = jax.pmap(part, "d", in_axes=(0, None), out_axes=None, devices=jax.devices()[:2])(
        halves, kernel
    )
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-4)


def test_raw_images_cost_no_input_gradient() -> None:
    x, kernel = jnp.zeros((8, 9, 9, 4)), jnp.zeros((3, 3, 4, 4))

    def flops(argnums: int | tuple[int, ...]) -> float:
        compiled = jax.jit(jax.grad(loss, argnums)).lower(x, kernel).compile()
        return float(compiled.cost_analysis()["flops"])

    forward = float(jax.jit(loss).lower(x, kernel).compile().cost_analysis()["flops"])
    assert flops(1) < 2.5 * forward < flops((0, 1))


def test_a_bias_left_to_what_follows_is_not_added() -> None:
    x = f32(drawn(4, 6, 6, 2, 1, 1)[0])
    full, left = Conv(3), Conv(3, add_bias=False)
    params, others = (layer.init(jax.random.key(0), x) for layer in (full, left))
    assert jax.tree.structure(others) == jax.tree.structure(params)
    params["params"]["bias"] = jnp.arange(3.0)
    want, got = (jax.jit(layer.apply)(params, x) for layer in (full, left))
    np.testing.assert_allclose(got + jnp.arange(3.0), want, rtol=1e-6, atol=1e-6)
