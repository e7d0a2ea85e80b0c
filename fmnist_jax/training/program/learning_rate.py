"""The learning rate: its schedule, and how it grows with the batch."""

import math

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


def scale_learning_rate(config: TrainingConfig, batch: int) -> TrainingConfig:
    """Return `config` with the learning rate for an automatic batch of this size.

    It grows with the batch for SGD (Goyal et al. 2017, arXiv 1706.02677) and with its square
    root for optimizers that divide by the size of the gradient (Malladi et al. 2022, arXiv
    2205.10287). A batch that was asked for by its size leaves it as it is.
    """
    if config.batch_size != "auto":
        return config
    factor = batch / config.base_batch_size
    factor = factor if config.optimizer == "sgd" else math.sqrt(factor)
    return config.model_copy(update={"learning_rate": factor * config.learning_rate})
