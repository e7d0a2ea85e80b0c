"""What the explanation methods share: a network seen from one of its feature maps.

A method is one decorated function in one file of `fmnist_jax.explain.methods`:

    @METHODS.register("gradcam")
    def gradcam(view: View, images: jax.Array, targets: jax.Array) -> jax.Array:
        '''Return the relevance of each place, float32 [n, h, w].'''

`explain` runs it on any number of images and scales its maps to [0, 1].
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from fmnist_jax.data.dataset import SIDE
from fmnist_jax.errors import UserError
from fmnist_jax.explain.layers import (
    LAST,
    ONE_IMAGE,
    Variables,
    check_layer,
    layer_name,
    predict_logits,
)
from fmnist_jax.nn.network import Network
from fmnist_jax.registry import Registry

CHUNK = 64  # images whose activations and gradients are in memory at once

Maps: TypeAlias = npt.NDArray[np.float32]  # [n, 28, 28]


@partial(
    jax.tree_util.register_dataclass, data_fields=["variables"], meta_fields=["network", "layer"]
)
@dataclass(frozen=True)
class View:
    """A trained network seen from one of its feature maps.

    Attributes:
        network: in evaluation, so that images do not mix.
        variables: its trained weights.
        layer: a name of `feature_maps`.
    """

    network: Network
    variables: Variables
    layer: str = LAST

    def activations(self, images: jax.Array) -> jax.Array:
        """The feature map [n, h, w, c] of float images [n, 28, 28, 1] in [0, 1]."""
        outputs: list[jax.Array] = []

        def record(call: Any, args: Any, kwargs: Any, context: nn.module.InterceptorContext) -> Any:
            output = call(*args, **kwargs)
            if layer_name(context) == self.layer:
                outputs.append(output)
            return output

        with nn.intercept_methods(record):
            predict_logits(self.network, self.variables, images)
        return outputs[0]

    def logits(self, images: jax.Array, activations: jax.Array | None = None) -> jax.Array:
        """Logits [n, classes], with `activations` in the place of the feature map if given."""
        if activations is None:
            return predict_logits(self.network, self.variables, images)

        def replace(
            call: Any, args: Any, kwargs: Any, context: nn.module.InterceptorContext
        ) -> Any:
            return activations if layer_name(context) == self.layer else call(*args, **kwargs)

        with nn.intercept_methods(replace):
            return predict_logits(self.network, self.variables, images)

    def gradients(self, images: jax.Array, targets: jax.Array) -> tuple[jax.Array, jax.Array]:
        """The feature map, and the gradient of the target's logit with respect to it.

        Args:
            images: float [n, 28, 28, 1] in [0, 1].
            targets: classes, integers [n].

        Returns:
            Two arrays [n, h, w, c].
        """
        activations = self.activations(images)

        def evidence(activations: jax.Array) -> jax.Array:
            # Images do not mix, so one sum gives each its own gradient.
            return pick(self.logits(images, activations), targets).sum()

        return activations, jax.grad(evidence)(activations)

    def image_gradients(self, images: jax.Array, targets: jax.Array) -> jax.Array:
        """The gradient of the target's logit with respect to the image, [n, 28, 28, 1]."""
        return jax.grad(lambda images: pick(self.logits(images), targets).sum())(images)


Method: TypeAlias = Callable[[View, jax.Array, jax.Array], jax.Array]

METHODS: Registry[Method] = Registry("method", "METHODS", "fmnist_jax.explain.methods")


def explain(
    network: Network,
    variables: Variables,
    images: jax.Array | npt.NDArray[np.floating],
    targets: jax.Array | npt.NDArray[np.integer],
    method: str = "gradcam",
    layer: str = LAST,
) -> Maps:
    """Map where the network sees evidence for a class.

    Args:
        network: computing in float32.
        variables: its trained weights.
        images: float32 [n, 28, 28, 1] in [0, 1].
        targets: the class to explain for each image, integers [n].
        method: a name of `METHODS`.
        layer: a name of `feature_maps`; methods that look at the image alone ignore it.

    Returns:
        float32 [n, 28, 28] in [0, 1], each map enlarged to the image (bilinear) and
        divided by its own maximum; all zero where nothing speaks for the class.

    Raises:
        UserError: unknown method or layer, or a class that does not exist.
    """
    METHODS.check(method)
    check_layer(network, variables, layer)
    classes = jax.eval_shape(partial(predict_logits, network), variables, ONE_IMAGE).shape[-1]
    given = np.asarray(targets)
    if len(given) and not 0 <= given.min() <= given.max() < classes:
        wrong = given[(given < 0) | (given >= classes)][0]
        raise UserError(f"there is no class {wrong}: choose 0 to {classes - 1}")
    return compute_maps(View(network, variables, layer), images, given, method)


def compute_maps(
    view: View,
    images: jax.Array | npt.NDArray[np.floating],
    targets: npt.NDArray[np.integer],
    method: str,
) -> Maps:
    """Compute what `explain` returns, without its checks, which trace the network anew."""
    count = len(images)
    size = min(CHUNK, max(count, 1))
    missing = -count % size
    padded = np.pad(np.asarray(images, np.float32), ((0, missing), (0, 0), (0, 0), (0, 0)))
    padded_targets = np.pad(targets, (0, missing))
    chunks = (
        _chunk_maps(view, padded[at : at + size], padded_targets[at : at + size], method)
        for at in range(0, len(padded), size)
    )
    none = np.zeros((0, SIDE, SIDE), np.float32)
    return np.concatenate([none, *map(np.asarray, chunks)])[:count]


def scaled(relevance: jax.Array) -> jax.Array:
    """Enlarge maps [n, h, w] to the image and divide each by its maximum."""
    maps = jax.image.resize(relevance, (len(relevance), SIDE, SIDE), "bilinear")
    maps = maps.astype(jnp.float32)
    top = maps.max((1, 2), keepdims=True)
    return jnp.where(top > 0, jnp.maximum(maps, 0) / jnp.where(top > 0, top, 1.0), 0.0)


def pick(values: jax.Array, targets: jax.Array) -> jax.Array:
    """The value [n] of each row's target, of [n, classes]."""
    return jnp.take_along_axis(values, targets[:, None], 1)[:, 0]


@partial(jax.jit, static_argnames="method")
def _chunk_maps(view: View, images: jax.Array, targets: jax.Array, method: str) -> jax.Array:
    return scaled(METHODS[method](view, images, targets))
