"""Integrated gradients: Sundararajan et al. 2017, arXiv 1703.01365."""

import jax
import jax.numpy as jnp
from jax import lax

from fmnist_jax.explain.base import METHODS, View

STEPS = 16


@METHODS.register("integrated_gradients")
def integrated_gradients(view: View, images: jax.Array, targets: jax.Array) -> jax.Array:
    """Integrated gradients from the black image: what each pixel adds (Sundararajan 2017).

    Arguments as of `gradcam`; the layer has no influence. A black pixel adds nothing, so
    the background gets none of the heat whatever the network does.

    Returns:
        float32 [n, 28, 28]: the positive part of `attributions`.
    """
    return jax.nn.relu(attributions(view, images, targets))


def attributions(
    view: View, images: jax.Array, targets: jax.Array, steps: int = STEPS
) -> jax.Array:
    """Share the logit's rise above that of the black image out among the pixels.

    Args:
        view: a network; its layer has no influence.
        images: float32 [n, 28, 28, 1] in [0, 1].
        targets: classes, integers [n].
        steps: points of the midpoint rule.

    Returns:
        float32 [n, 28, 28], whose sum is the difference of the two logits, up to the
        error of the rule (the paper's axiom of completeness, proposition 1).
    """

    def add(total: jax.Array, share: jax.Array) -> tuple[jax.Array, None]:
        return total + view.image_gradients(share * images, targets), None

    shares = (jnp.arange(steps) + 0.5) / steps
    total, _ = lax.scan(add, jnp.zeros_like(images), shares)
    return (images * total / steps)[..., 0]
