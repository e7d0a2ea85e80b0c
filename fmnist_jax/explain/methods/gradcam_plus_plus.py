"""Grad-CAM++: Chattopadhay et al. 2018, arXiv 1710.11063."""

import jax
import jax.numpy as jnp

from fmnist_jax.explain.base import METHODS, View


@METHODS.register("gradcam_plus_plus")
def gradcam_plus_plus(view: View, images: jax.Array, targets: jax.Array) -> jax.Array:
    """Grad-CAM++: positive gradients, weighted so that several objects count (Chattopadhay 2018).

    Arguments and result as of `gradcam`. For a score exp(logit) the second and third
    derivatives are powers of the first (equation 19), up to a factor that scaling removes.
    """
    activations, gradients = view.gradients(images, targets)
    total = activations.sum((1, 2), keepdims=True)
    square = jnp.square(gradients)
    below = 2 * square + total * square * gradients
    shares = jnp.where(square > 0, square / jnp.where(below != 0, below, 1.0), 0.0)
    weights = (shares * jax.nn.relu(gradients)).sum((1, 2), keepdims=True)
    return jax.nn.relu((weights * activations).sum(-1))
