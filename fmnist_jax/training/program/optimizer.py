"""Optimizers, from optax."""

from functools import partial
from typing import Any

import jax
import optax

from fmnist_jax.data.dataset import CLASSES
from fmnist_jax.training.config import TrainingConfig
from fmnist_jax.training.program.learning_rate import make_schedule
from fmnist_jax.training.program.muon import scale_by_muon
from fmnist_jax.training.state import is_small


def make_optimizer(config: TrainingConfig, steps: int) -> optax.GradientTransformation:
    """Return the gradient transformation for a run of `steps` updates.

    Weight decay is decoupled for adamw (Loshchilov & Hutter 2017, arXiv
    1711.05101), an L2 term of the gradient for adam and sgd, and applies
    to kernels only. Moments of a small network are one flat vector.

    `muon` orthogonalises the momentum of all kernels but the last layer's, scaled so that one
    learning rate serves them and, by Adam and without decay, all other weights.
    """
    optimizer = _make_optimizer(config, steps)
    if frozen := config.frozen_layers():
        return optax.chain(optimizer, optax.masked(optax.set_to_zero(), partial(_in, frozen)))
    return optimizer


def _make_optimizer(config: TrainingConfig, steps: int) -> optax.GradientTransformation:
    decay = (
        optax.add_decayed_weights(config.weight_decay, mask=_kernels)
        if config.weight_decay
        else optax.identity()
    )
    schedule = make_schedule(config, steps)
    rate = optax.scale_by_learning_rate(schedule)
    match config.optimizer:
        case "adamw":
            return optax.chain(_flatten_small(optax.scale_by_adam()), decay, rate)
        case "adam":
            return optax.chain(decay, _flatten_small(optax.scale_by_adam()), rate)
        case "muon":
            rest = optax.chain(_flatten_small(optax.scale_by_adam(nesterov=True)), rate)
            matrices = optax.chain(scale_by_muon(config.momentum), decay, rate)
            return optax.partition({True: matrices, False: rest}, _hidden_kernels)
        case "sgd":
            momentum = optax.trace(config.momentum, nesterov=True)
            return optax.chain(decay, _flatten_small(momentum), rate)


def _flatten_small(inner: optax.GradientTransformation) -> optax.GradientTransformation:
    """Apply `inner` to one vector where the weights are few."""
    flat = optax.flatten(inner)

    def init(params: optax.Params) -> optax.OptState:
        return (flat if is_small(params) else inner).init(params)

    def update(
        updates: optax.Updates, state: optax.OptState, params: optax.Params | None = None
    ) -> tuple[optax.Updates, optax.OptState]:
        return (flat if is_small(updates) else inner).update(updates, state, params)

    return optax.GradientTransformation(init, update)


def _in(layers: tuple[str, ...], params: Any) -> Any:
    return {
        name: jax.tree.map(lambda _, is_frozen=name in layers: is_frozen, tree)
        for name, tree in params.items()
    }


def _kernels(params: Any) -> Any:
    return jax.tree.map(lambda leaf: leaf.ndim > 1, params)


def _hidden_kernels(params: Any) -> Any:
    return jax.tree.map(lambda leaf: leaf.ndim > 1 and leaf.shape[-1] > CLASSES, params)
