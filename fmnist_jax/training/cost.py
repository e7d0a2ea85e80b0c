"""Count the arithmetic and memory traffic of a network in its traced program."""

import math
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from fmnist_jax.nn.network import Network


@dataclass(frozen=True, order=True)
class ForwardCost:
    """The cost of one image's forward pass.

    Attributes:
        flops: operations in convolutions and matrix products, a multiply-add counting
            as two. Elementwise operations are not counted, as is usual.
        bytes: size of what these operations read and write of the image, each array
            once. Weights are not counted, since a batch shares them.
    """

    flops: int
    bytes: int

    def __mul__(self, repeats: int) -> "ForwardCost":
        return ForwardCost(self.flops * repeats, self.bytes * repeats)

    def __add__(self, other: "ForwardCost") -> "ForwardCost":
        return ForwardCost(self.flops + other.flops, self.bytes + other.bytes)


def forward_cost(network: Network, variables: Any) -> ForwardCost:
    """Count what one image costs in the forward pass; only the shapes of `variables` matter."""
    image = jax.ShapeDtypeStruct((1, 28, 28, 1), jnp.float32)
    closed = jax.make_jaxpr(lambda variables, x: network.apply(variables, x))(variables, image)
    return _count(closed.jaxpr)


def _count(jaxpr: Any) -> ForwardCost:
    total = ForwardCost(0, 0)
    for equation in jaxpr.eqns:
        parameters = equation.params
        match equation.primitive.name:
            case "conv_general_dilated":
                kernel, out = equation.invars[1].aval, equation.outvars[0].aval
                taps = kernel.size // kernel.shape[parameters["dimension_numbers"].rhs_spec[0]]
                total += ForwardCost(2 * out.size * taps, _traffic(equation))
            case "dot_general":
                (contracted, _), _ = parameters["dimension_numbers"]
                left, out = equation.invars[0].aval, equation.outvars[0].aval
                products = out.size * math.prod(left.shape[axis] for axis in contracted)
                total += ForwardCost(2 * products, _traffic(equation))
            case "cond":  # one branch per backend: the cheapest has no work added for speed
                total += min(_count(branch.jaxpr) for branch in parameters["branches"])
            case name:
                repeats = parameters.get("length", 1) if name == "scan" else 1
                for value in parameters.values():
                    inner = getattr(value, "jaxpr", value)
                    if hasattr(inner, "eqns"):
                        total += _count(inner) * repeats
    return total


def _traffic(equation: Any) -> int:
    read, written = equation.invars[0].aval, equation.outvars[0].aval
    return int(read.size * read.dtype.itemsize + written.size * written.dtype.itemsize)
