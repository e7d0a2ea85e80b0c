"""Batch normalisation in as few passes over the images as it takes."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn
from flax.typing import Dtype
from jax import lax

EPSILON = 1e-5  # added to the variance


class BatchNorm(nn.Module):
    """Batch normalisation (Ioffe and Szegedy 2015, arXiv 1502.03167) of a shifted input.

    Parameters and statistics as in `flax.linen.BatchNorm`, in float32. The result is one
    product and one sum per value, of coefficients per channel: the centred input is never
    made. Nor is the shifted one: the mean takes the shift away again, so that it only
    shows in the running mean, and has no gradient in training.

    Attributes:
        momentum: of the running averages.
        use_scale: multiply by a learned factor per channel.
        axis_name: of devices over which the batch statistics are averaged in training.
        dtype: of the result; None takes that of the input.
    """

    momentum: float = 0.99
    use_scale: bool = True
    axis_name: str | None = None
    dtype: Dtype | None = None

    @nn.compact
    def __call__(self, x: jax.Array, shift: jax.Array | float = 0.0, *, train: bool) -> jax.Array:
        """Normalise x + shift over all but the last axis.

        Args:
            x: float [..., c].
            shift: float [c].
            train: normalise by the statistics of this batch, and add them to the
                running ones.

        Returns:
            [..., c].
        """
        shape = x.shape[-1:]
        scale: jax.Array | float = 1.0
        if self.use_scale:
            scale = self.param("scale", nn.initializers.ones_init(), shape, jnp.float32)
        bias = self.param("bias", nn.initializers.zeros_init(), shape, jnp.float32)
        running_mean = self.variable("batch_stats", "mean", jnp.zeros, shape, jnp.float32)
        running_var = self.variable("batch_stats", "var", jnp.ones, shape, jnp.float32)
        wide = x.astype(jnp.promote_types(x.dtype, jnp.float32))
        if train:
            axes = tuple(range(x.ndim - 1))
            moments = jnp.stack([wide.mean(axes), jnp.square(wide).mean(axes)])
            if self.axis_name is not None and not self.is_initializing():
                moments = lax.pmean(moments, self.axis_name)
            mean, var = moments[0], jnp.maximum(moments[1] - jnp.square(moments[0]), 0.0)
            if not self.is_initializing():
                for average, now in ((running_mean, mean + shift), (running_var, var)):
                    average.value = self.momentum * average.value + (1 - self.momentum) * now
        else:
            mean, var = running_mean.value - shift, running_var.value
        factor = scale * lax.rsqrt(var + EPSILON)
        return (wide * factor + (bias - mean * factor)).astype(self.dtype or x.dtype)


def fold(params: Any, batch_stats: Any, norms: Mapping[str, str]) -> dict[str, Any]:
    """Return the parameters of the same network without normalisation.

    After training it is a product and a sum per channel, which the layer before it can make
    itself: (x W - mean) f + b = x (W f) + (b - mean f), with f = 1 / sqrt(var + epsilon).

    Args:
        params: by layer; those that are normalised have a kernel [..., c] and no bias.
        batch_stats: the running averages, by the name of the normalisation.
        norms: the name of the normalisation, without a scale, that follows each of these layers.
    """
    folded = {name: layer for name, layer in params.items() if name not in norms.values()}
    for layer, norm in norms.items():
        factor = lax.rsqrt(batch_stats[norm]["var"] + EPSILON)
        folded[layer] = {
            "kernel": params[layer]["kernel"] * factor,
            "bias": params[norm]["bias"] - batch_stats[norm]["mean"] * factor,
        }
    return folded
