"""Eigen-CAM: Muhammad and Yeasin 2020, arXiv 2008.00299."""

import jax
import jax.numpy as jnp

from fmnist_jax.explain.base import METHODS, View


@METHODS.register("eigencam")
def eigencam(view: View, images: jax.Array, targets: jax.Array) -> jax.Array:
    """Eigen-CAM: the feature map's first principal component, of no class (Muhammad 2020).

    Arguments and result as of `gradcam`; `targets` have no influence. The sign of the
    component, which is arbitrary, is the one in which its sum is positive.
    """
    activations = view.activations(images)
    n, height, width, channels = activations.shape
    places = activations.reshape(n, height * width, channels)
    left, singular, _ = jnp.linalg.svd(places, full_matrices=False)
    component = left[..., 0] * singular[:, :1]  # the projection on the first right vector
    component *= jnp.where(component.sum(1, keepdims=True) < 0, -1.0, 1.0)
    return jax.nn.relu(component.reshape(n, height, width))
