"""Guided Grad-CAM: Selvaraju et al. 2017, arXiv 1610.02391, section 3.2.

Guided backpropagation (Springenberg et al. 2014, arXiv 1412.6806) changes the gradient
of one operation: a relu also stops what is negative on its way back. So the network is
traced, and its program evaluated with another relu.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import ClosedJaxpr, Literal

from fmnist_jax.explain.base import METHODS, View, pick
from fmnist_jax.explain.methods.gradcam import gradcam


@METHODS.register("guided_gradcam")
def guided_gradcam(view: View, images: jax.Array, targets: jax.Array) -> jax.Array:
    """Guided Grad-CAM: Grad-CAM, times guided backpropagation to the pixels (Selvaraju 2017).

    Arguments as of `gradcam`.

    Returns:
        float32 [n, 28, 28]: the positive part of the product.
    """
    coarse = jax.image.resize(gradcam(view, images, targets), images.shape[:3], "bilinear")
    return jax.nn.relu(coarse * guided_backpropagation(view, images, targets))


def guided_backpropagation(view: View, images: jax.Array, targets: jax.Array) -> jax.Array:
    """The gradient of the target's logit, [n, 28, 28], with every relu's gradient rectified."""
    program = jax.make_jaxpr(lambda images: pick(view.logits(images), targets).sum())(images)
    gradients: jax.Array = jax.grad(lambda images: _evaluate(program, [images])[0])(images)
    return gradients[..., 0]


@jax.custom_vjp
def guided_relu(x: jax.Array) -> jax.Array:
    """A relu whose gradient passes where both x and what comes back are positive."""
    return jnp.maximum(x, 0)


guided_relu.defvjp(
    lambda x: (jnp.maximum(x, 0), x), lambda x, dy: (jnp.where(x > 0, jnp.maximum(dy, 0), 0),)
)


def _evaluate(program: ClosedJaxpr, arguments: Sequence[Any]) -> list[Any]:
    """Evaluate a traced program with `guided_relu` in the place of `jax.nn.relu`."""
    values = dict(zip(program.jaxpr.constvars, program.consts, strict=True))
    values |= dict(zip(program.jaxpr.invars, arguments, strict=True))

    def read(variable: Any) -> Any:
        return variable.val if isinstance(variable, Literal) else values[variable]

    for equation in program.jaxpr.eqns:
        inputs = [read(variable) for variable in equation.invars]
        inner = _called(equation)
        if equation.params.get("name") == "relu":
            outputs = [guided_relu(*inputs)]
        elif inner is not None and _has_relu(inner):
            outputs = _evaluate(inner, inputs)
        else:  # with its own gradient, where it has one
            params = equation.primitive.get_bind_params(equation.params)
            result = equation.primitive.bind(*inputs, **params)
            outputs = result if equation.primitive.multiple_results else [result]
        values.update(zip(equation.outvars, outputs, strict=True))
    return [read(variable) for variable in program.jaxpr.outvars]


def _called(equation: Any) -> ClosedJaxpr | None:
    """The program that an equation calls once."""
    return equation.params.get("call_jaxpr") or (
        equation.params["jaxpr"] if equation.primitive.name == "jit" else None
    )


def _has_relu(program: ClosedJaxpr) -> bool:
    return any(
        equation.params.get("name") == "relu"
        or ((inner := _called(equation)) is not None and _has_relu(inner))
        for equation in program.jaxpr.eqns
    )
