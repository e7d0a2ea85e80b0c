"""Batch normalisation against flax.linen.BatchNorm and against float64."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from hypothesis import given, settings
from hypothesis import strategies as st

from fmnist_jax.nn.batch_norm import EPSILON, BatchNorm


def example(
    shape: tuple[int, ...], scale: float = 1.0
) -> tuple[jax.Array, jax.Array, dict[str, Any]]:
    """Input, shift, and variables that are not the initial ones."""
    rng = np.random.default_rng(shape)

    def channel(low: float) -> jax.Array:
        return jnp.asarray(rng.uniform(low, 2, shape[-1]), jnp.float32)

    params = {"scale": channel(-2), "bias": channel(-2)}
    statistics = {"mean": channel(-2), "var": channel(0.5)}
    x = jnp.asarray(scale * (rng.normal(size=shape) + 0.5), jnp.float32)
    return x, channel(-2), {"params": params, "batch_stats": statistics}


@settings(max_examples=7, deadline=None)
@given(
    batch=st.integers(1, 5),
    side=st.integers(2, 5),
    channels=st.integers(1, 4),
    scale=st.sampled_from([0.1, 1.0, 30.0]),
    train=st.booleans(),
)
def test_as_in_flax_and_in_float64(
    batch: int, side: int, channels: int, scale: float, train: bool
) -> None:
    x, shift, variables = example((batch, side, side, channels), scale)
    weights = jnp.sin(jnp.arange(x.size)).reshape(x.shape)
    options = {"momentum": 0.9}
    flax = nn.BatchNorm(use_running_average=not train, epsilon=EPSILON, **options)

    def results(apply: Any, x: jax.Array, params: Any) -> tuple[jax.Array, Any]:
        y, changed = apply({**variables, "params": params}, x, mutable=["batch_stats"])
        return (y * weights.astype(y.dtype)).sum(), (y, changed)

    def both(apply: Any, x: jax.Array, params: Any) -> Any:
        return jax.jit(jax.grad(partial(results, apply), (0, 1), has_aux=True))(x, params)

    mine = partial(BatchNorm(**options).apply, shift=shift, train=train)
    got = both(mine, x, variables["params"])
    with jax.enable_x64(True):
        wide = jax.tree.map(lambda a: jnp.asarray(np.asarray(a), jnp.float64), (x, shift))
        variables = jax.tree.map(lambda a: jnp.asarray(np.asarray(a), jnp.float64), variables)
        want = both(flax.apply, wide[0] + wide[1], variables["params"])
    for a, b in zip(jax.tree.leaves(got), jax.tree.leaves(want), strict=True):
        largest = max(1.0, np.abs(b).max())
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4 * largest)


def test_devices_share_their_statistics() -> None:
    x, shift, variables = example((6, 3, 3, 4))
    apply = partial(BatchNorm(axis_name="d").apply, train=True, mutable=["batch_stats"])
    alone = partial(BatchNorm().apply, train=True, mutable=["batch_stats"])
    want = jax.jit(alone)(variables, x, shift)
    halves = x.reshape(2, 3, 3, 3, 4)
    y, changed = jax.pmap(apply, "d", in_axes=(None, 0, None), devices=jax.devices()[:2])(
        variables, halves, shift
    )
    np.testing.assert_allclose(y.reshape(x.shape), want[0], rtol=1e-5, atol=1e-5)
    for a, b in zip(jax.tree.leaves(changed), jax.tree.leaves(want[1]), strict=True):
        np.testing.assert_allclose(a[0], b, rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(a[0], a[1])


def test_in_training_the_shift_has_no_gradient() -> None:
    x, shift, variables = example((4, 3, 3, 2))

    def loss(shift: jax.Array, train: bool) -> jax.Array:
        y, _ = BatchNorm().apply(variables, x, shift, train=train, mutable=["batch_stats"])
        return jnp.square(y).sum()

    gradient = jax.jit(jax.grad(loss), static_argnums=1)
    assert not gradient(shift, True).any()
    assert gradient(shift, False).all()


def test_bfloat16_beside_float32_statistics() -> None:
    x = example((8, 3, 3, 2))[0]
    layer = BatchNorm(dtype=jnp.bfloat16)
    variables = jax.jit(partial(layer.init, train=True))(jax.random.key(0), x)
    assert all(leaf.dtype == jnp.float32 for leaf in jax.tree.leaves(variables))
    apply = jax.jit(partial(layer.apply, train=True, mutable=["batch_stats"]))
    y, changed = apply(variables, x.astype(jnp.bfloat16))
    assert y.dtype == jnp.bfloat16
    assert changed["batch_stats"]["mean"].dtype == jnp.float32
    np.testing.assert_allclose(y.astype(jnp.float32).mean((0, 1, 2)), 0, atol=0.02)
