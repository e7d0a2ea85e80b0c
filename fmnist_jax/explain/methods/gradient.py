"""The plain gradient: Simonyan et al. 2013, arXiv 1312.6034."""

import jax
import jax.numpy as jnp

from fmnist_jax.explain.base import METHODS, View


@METHODS.register("gradient")
def gradient(view: View, images: jax.Array, targets: jax.Array) -> jax.Array:
    """Gradient: how much each pixel moves the logit, either way (Simonyan 2013).

    Arguments as of `gradcam`; the layer has no influence.

    Returns:
        float32 [n, 28, 28]: the absolute gradient.
    """
    return jnp.abs(view.image_gradients(images, targets))[..., 0]
