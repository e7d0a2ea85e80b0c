"""Optimizers and schedules, from optax."""

from typing import Any

import jax
import optax

from fmnist_jax.training.config import TrainingConfig


def make_schedule(config: TrainingConfig, steps: int) -> optax.Schedule:
    """Return the learning rate at each of `steps` updates.

    `onecycle` rises for the `warmup` share of the steps and falls to almost
    nothing, both along a cosine (Smith & Topin 2017, arXiv 1708.07120);
    `cosine` and `constant` rise linearly, then anneal (Loshchilov & Hutter
    2016, arXiv 1608.03983) or stay.
    """
    peak, rising = config.learning_rate, round(config.warmup * steps)
    match config.schedule:
        case "onecycle":
            return optax.cosine_onecycle_schedule(steps, peak, pct_start=max(config.warmup, 1e-9))
        case "cosine":
            return optax.warmup_cosine_decay_schedule(0.0 if rising else peak, peak, rising, steps)
        case "constant":
            return optax.warmup_constant_schedule(0.0 if rising else peak, peak, rising)


def make_optimizer(config: TrainingConfig, steps: int) -> optax.GradientTransformation:
    """Return the gradient transformation for a run of `steps` updates.

    Weight decay is decoupled for adamw (Loshchilov & Hutter 2017, arXiv
    1711.05101), an L2 term of the gradient for adam and sgd, and applies
    to kernels only. Moments are one flat vector: a dozen small arrays cost more in
    dispatch than in arithmetic.
    """
    decay = (
        optax.add_decayed_weights(config.weight_decay, mask=_kernels)
        if config.weight_decay
        else optax.identity()
    )
    rate = optax.scale_by_learning_rate(make_schedule(config, steps))
    match config.optimizer:
        case "adamw":
            return optax.chain(optax.flatten(optax.scale_by_adam()), decay, rate)
        case "adam":
            return optax.chain(decay, optax.flatten(optax.scale_by_adam()), rate)
        case "sgd":
            momentum = optax.trace(config.momentum, nesterov=True)
            return optax.chain(decay, optax.flatten(momentum), rate)


def _kernels(params: Any) -> Any:
    return jax.tree.map(lambda leaf: leaf.ndim > 1, params)
