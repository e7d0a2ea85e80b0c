"""Score-CAM: Wang et al. 2020, arXiv 1910.01279."""

import jax
import jax.numpy as jnp
from jax import lax

from fmnist_jax.explain.base import METHODS, View, pick


@METHODS.register("scorecam")
def scorecam(view: View, images: jax.Array, targets: jax.Array) -> jax.Array:
    """Score-CAM: channels weighted by the score of the image seen through them (Wang 2020).

    Arguments and result as of `gradcam`. One forward pass per channel, no gradient. The
    weights are the softmax of the logits over channels (algorithm 1; the score of the
    black image, which it subtracts from each, drops out).
    """
    activations = view.activations(images)

    def score(channel: jax.Array) -> jax.Array:
        mask = jax.image.resize(channel, images.shape[:3], "bilinear")
        low, high = mask.min((1, 2), keepdims=True), mask.max((1, 2), keepdims=True)
        mask = (mask - low) / jnp.where(high > low, high - low, 1.0)
        return pick(view.logits(images * mask[..., None]), targets)

    weights = jax.nn.softmax(lax.map(score, jnp.moveaxis(activations, -1, 0)), 0)  # [c, n]
    return jax.nn.relu(jnp.einsum("cn,nhwc->nhw", weights, activations))
