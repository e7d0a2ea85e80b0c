"""Grad-CAM: Selvaraju et al. 2017, arXiv 1610.02391."""

import jax

from fmnist_jax.explain.base import METHODS, View


@METHODS.register("gradcam")
def gradcam(view: View, images: jax.Array, targets: jax.Array) -> jax.Array:
    """Grad-CAM: channels weighted by their mean gradient (Selvaraju 2017).

    Args:
        view: a network and one of its feature maps.
        images: float32 [n, 28, 28, 1] in [0, 1].
        targets: classes, integers [n].

    Returns:
        float32 [n, h, w]: relu of the weighted sum of channels (equations 1 and 2).
    """
    activations, gradients = view.gradients(images, targets)
    weights = gradients.mean((1, 2), keepdims=True)
    return jax.nn.relu((weights * activations).sum(-1))
