"""HiResCAM: Draelos and Carin 2020, arXiv 2011.08891."""

import jax

from fmnist_jax.explain.base import METHODS, View


@METHODS.register("hirescam")
def hirescam(view: View, images: jax.Array, targets: jax.Array) -> jax.Array:
    """HiResCAM: activations times gradients, place by place (Draelos 2020).

    Arguments and result as of `gradcam`. Where pooling and one dense layer follow the
    feature map, the gradient is the same everywhere and this is Grad-CAM.
    """
    activations, gradients = view.gradients(images, targets)
    return jax.nn.relu((gradients * activations).sum(-1))
