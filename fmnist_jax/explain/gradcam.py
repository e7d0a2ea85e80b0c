"""Gradient-weighted class activation maps by `jax.grad`.

Selvaraju et al. 2017, "Grad-CAM", arXiv 1610.02391.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from fmnist_jax.models.base import Network


@partial(jax.jit, static_argnums=0)
def gradcam(
    network: Network, variables: dict[str, Any], images: jax.Array, classes: jax.Array
) -> jax.Array:
    """Where the network saw evidence for a class.

    The last feature map, its channels weighted by the spatial mean of the
    class logit's gradient, summed, rectified and enlarged to the image.

    Args:
        network: cut into `features` and `head`.
        variables: its trained weights.
        images: float32 [n, 28, 28, 1] in [0, 1].
        classes: the class to explain for each image, integers [n].

    Returns:
        float32 [n, 28, 28] in [0, 1], each map scaled by its own maximum;
        all zero where nothing speaks for the class.
    """
    # The arithmetic of an explanation is small; float32 keeps it exact on every device.
    features = network.apply(variables, images, method="features").astype(jnp.float32)

    def evidence(features: jax.Array) -> jax.Array:
        logits = network.apply(variables, features, method="head")
        # Images do not mix in evaluation, so one sum gives each its own gradient.
        return jnp.take_along_axis(logits, classes[:, None], 1).sum()

    weights = jax.grad(evidence)(features).mean((1, 2), keepdims=True)
    maps = jax.nn.relu((weights * features).sum(-1))
    maps = jax.image.resize(maps, images.shape[:3], "bilinear")
    top = maps.max((1, 2), keepdims=True)
    return jnp.where(top > 0, maps / jnp.where(top > 0, top, 1.0), 0.0)
