"""Arithmetic and memory traffic of a network, counted from its traced program."""

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from fmnist_jax.models.base import Network


class Work(NamedTuple):
    """Of one image's forward pass.

    Attributes:
        flops: operations in convolutions and matrix products, a multiply-add counting
            as two. Elementwise work is left out, as is usual.
        bytes: size of what these operations read and write of the image, each array
            once. Weights are left out, since a batch shares them.
    """

    flops: int
    bytes: int

    def times(self, repeats: int) -> "Work":
        """The same, so many times."""
        return Work(self.flops * repeats, self.bytes * repeats)

    def plus(self, other: "Work") -> "Work":
        """Both after one another."""
        return Work(self.flops + other.flops, self.bytes + other.bytes)


def forward_cost(network: Network, variables: Any) -> Work:
    """What one image costs in the forward pass; of `variables` only shapes matter."""
    image = jax.ShapeDtypeStruct((1, 28, 28, 1), jnp.float32)
    closed = jax.make_jaxpr(lambda variables, x: network.apply(variables, x))(variables, image)
    return _count(closed.jaxpr)


def _count(jaxpr: Any) -> Work:
    total = Work(0, 0)
    for equation in jaxpr.eqns:
        match equation.primitive.name:
            case "conv_general_dilated":
                kernel, out = equation.invars[1].aval, equation.outvars[0].aval
                taps = kernel.size // kernel.shape[equation.params["dimension_numbers"].rhs_spec[0]]
                total = total.plus(Work(2 * out.size * taps, _traffic(equation)))
            case "dot_general":
                (contracted, _), _ = equation.params["dimension_numbers"]
                left, out = equation.invars[0].aval, equation.outvars[0].aval
                products = out.size * math.prod(left.shape[axis] for axis in contracted)
                total = total.plus(Work(2 * products, _traffic(equation)))
            case "cond":  # one lowering per backend: what one adds for speed is not the network's
                total = total.plus(
                    min(_count(branch.jaxpr) for branch in equation.params["branches"])
                )
            case _:
                repeats = (
                    equation.params.get("length", 1) if equation.primitive.name == "scan" else 1
                )
                for value in equation.params.values():
                    inner = getattr(value, "jaxpr", value)
                    if hasattr(inner, "eqns"):
                        total = total.plus(_count(inner).times(repeats))
    return total


def _traffic(equation: Any) -> int:
    read, written = equation.invars[0].aval, equation.outvars[0].aval
    return int(read.size * read.dtype.itemsize + written.size * written.dtype.itemsize)
