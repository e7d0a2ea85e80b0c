"""The layers of a network, by name: which feature maps it has, which layers own weights."""

from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias

import flax.linen as nn
import jax
import jax.numpy as jnp

from fmnist_jax.data.dataset import SIDE
from fmnist_jax.errors import UserError, nearest
from fmnist_jax.nn.network import Network

LAST = "features"  # the last feature map, at which every network is divided

Variables: TypeAlias = dict[str, Any]

ONE_IMAGE = jax.ShapeDtypeStruct((1, SIDE, SIDE, 1), jnp.float32)


def feature_maps(network: Network, variables: Variables) -> dict[str, tuple[int, int, int]]:
    """Name every feature map that can be explained.

    They are the results of the network's layers, named as in its weights
    ("block1/conv2"), and `features`, the last.

    Returns:
        Height, width and channels by name, in the order of computation; empty for a
        network without convolutions.
    """
    shapes = _trace(network, variables)
    return {
        name: (shape[1], shape[2], shape[3])
        for name, shape in shapes.maps.items()
        # A layer that is called twice has no single feature map.
        if len(shape) == 4 and shape[1] * shape[2] > 1 and shapes.calls[name] == 1
    }


def weighted_layers(network: Network, variables: Variables) -> list[tuple[str, ...]]:
    """Paths of the layers that own parameters, in the order of computation."""
    owned = {path[:-1] for path in _paths(variables["params"])}
    layers = dict.fromkeys(_trace(network, variables).modules)
    return [path for path in layers if path in owned]


def check_layer(network: Network, variables: Variables, layer: str) -> None:
    """Check that `layer` names a feature map.

    Raises:
        UserError: there is no such feature map, or none at all.
    """
    names = feature_maps(network, variables)
    if not names:
        raise UserError(
            f"{type(network).__name__} has no feature maps: only a network with convolutions "
            "can be explained by them"
        )
    if layer not in names:
        raise UserError(f"unknown layer {layer!r}: {nearest(layer, names)}")


def predict_logits(network: Network, variables: Variables, images: jax.Array) -> jax.Array:
    """Logits [n, classes] of images [n, 28, 28, 1], in evaluation."""
    logits: Any = network.apply(variables, images)
    return logits


@dataclass
class _Shapes:
    calls: dict[str, int] = field(default_factory=dict)
    maps: dict[str, tuple[int, ...]] = field(default_factory=dict)
    modules: list[tuple[str, ...]] = field(default_factory=list)


def layer_name(context: nn.module.InterceptorContext) -> str | None:
    """The name of the feature map that an intercepted call computes; None if it is none."""
    path = context.module.path
    if not path:
        return LAST if context.method_name == LAST else None
    return "/".join(map(str, path)) if context.method_name == "__call__" else None


def _trace(network: Network, variables: Variables) -> _Shapes:
    shapes = _Shapes()

    def record(call: Any, args: Any, kwargs: Any, context: nn.module.InterceptorContext) -> Any:
        output = call(*args, **kwargs)
        if (name := layer_name(context)) is not None and isinstance(output, jax.Array):
            shapes.calls[name] = shapes.calls.get(name, 0) + 1
            shapes.maps[name] = output.shape
            shapes.modules.append(context.module.path)
        return output

    with nn.intercept_methods(record):
        jax.eval_shape(partial(predict_logits, network), variables, ONE_IMAGE)
    return shapes


def _paths(tree: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if not isinstance(tree, dict):
        return [path]
    return [leaf for name, branch in tree.items() for leaf in _paths(branch, (*path, name))]
