"""LayerCAM: Jiang et al. 2021, IEEE Transactions on Image Processing 30."""

import jax

from fmnist_jax.explain.base import METHODS, View


@METHODS.register("layercam")
def layercam(view: View, images: jax.Array, targets: jax.Array) -> jax.Array:
    """LayerCAM: activations times positive gradients, place by place (Jiang 2021).

    Arguments and result as of `gradcam`.
    """
    activations, gradients = view.gradients(images, targets)
    return jax.nn.relu((jax.nn.relu(gradients) * activations).sum(-1))
