"""Floating point operations of a network, counted from its traced program."""

import math
from typing import Any

import jax
import jax.numpy as jnp

from fmnist_jax.models.parts import Network


def forward_flops(network: Network, variables: dict[str, Any]) -> int:
    """Operations in the convolutions and matrix products of one image's forward pass.

    A multiply-add counts as two. Elementwise work is left out, as is usual.
    """
    image = jax.ShapeDtypeStruct((1, 28, 28, 1), jnp.float32)
    closed = jax.make_jaxpr(lambda x: network.apply(variables, x))(image)
    return _count(closed.jaxpr)


def _count(jaxpr: Any) -> int:
    total = 0
    for equation in jaxpr.eqns:
        match equation.primitive.name:
            case "conv_general_dilated":
                kernel, out = equation.invars[1].aval, equation.outvars[0].aval
                taps = kernel.size // kernel.shape[equation.params["dimension_numbers"].rhs_spec[0]]
                total += 2 * out.size * taps
            case "dot_general":
                (contracted, _), _ = equation.params["dimension_numbers"]
                left, out = equation.invars[0].aval, equation.outvars[0].aval
                total += 2 * out.size * math.prod(left.shape[axis] for axis in contracted)
            case "cond":  # one lowering per backend: what one adds for speed is not the network's
                total += min(_count(branch.jaxpr) for branch in equation.params["branches"])
            case _:
                repeats = (
                    equation.params.get("length", 1) if equation.primitive.name == "scan" else 1
                )
                for value in equation.params.values():
                    inner = getattr(value, "jaxpr", value)
                    if hasattr(inner, "eqns"):
                        total += repeats * _count(inner)
    return total
