"""Score-CAM: Wang et al. 2020, arXiv 1910.01279."""

import jax
import jax.numpy as jnp
from jax import lax

from fmnist_jax.explain.base import METHODS, View, pick

_CHANNELS = 8  # at a time: enough images in one pass to occupy several cores


@METHODS.register("scorecam")
def scorecam(view: View, images: jax.Array, targets: jax.Array) -> jax.Array:
    """Score-CAM: channels weighted by the score of the image seen through them (Wang 2020).

    Arguments and result as of `gradcam`. One forward pass per channel, no gradient. The
    weights are the softmax of the logits over channels (algorithm 1; the score of the
    black image, which it subtracts from each, drops out).
    """
    activations = view.activations(images)
    channels = activations.shape[-1]
    missing = -channels % _CHANNELS
    padded = jnp.pad(activations, [(0, 0)] * 3 + [(0, missing)])
    groups = jnp.moveaxis(padded, -1, 0).reshape(-1, _CHANNELS, *activations.shape[:3])

    def score(group: jax.Array) -> jax.Array:
        masks = jax.image.resize(group, (_CHANNELS, *images.shape[:3]), "bilinear")
        low, high = masks.min((2, 3), keepdims=True), masks.max((2, 3), keepdims=True)
        masks = (masks - low) / jnp.where(high > low, high - low, 1.0)
        seen = (images * masks[..., None]).reshape(-1, *images.shape[1:])
        return pick(view.logits(seen), jnp.tile(targets, _CHANNELS)).reshape(_CHANNELS, -1)

    scores = lax.map(score, groups).reshape(-1, len(images))[:channels]
    return jax.nn.relu(jnp.einsum("cn,nhwc->nhw", jax.nn.softmax(scores, 0), activations))
