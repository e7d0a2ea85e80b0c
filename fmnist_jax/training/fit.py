"""The loop over epochs: history, early stopping, best weights."""

import math
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from fmnist_jax.errors import Diverged
from fmnist_jax.learner import Epoch
from fmnist_jax.training.engine import Engine

Weights = tuple[Any, Any]  # params, statistics


def fit(
    engine: Engine,
    epochs: int,
    seed: int,
    patience: int | None,
    on_epoch: Callable[[Epoch], None],
) -> tuple[Weights, tuple[Epoch, ...]]:
    """Train for up to `epochs` epochs.

    Args:
        engine: consumed: its initial state is donated to the first epoch.
        epochs: the most to train.
        seed: of shuffling, augmentation and dropout.
        patience: stop after this many epochs without a lower validation loss,
            and return the weights of the lowest; None trains to the end and
            returns the last weights, which is what a schedule that anneals to
            zero is made for.
        on_epoch: told of each epoch as it ends.

    Returns:
        The chosen weights and the history.

    Raises:
        Diverged: the training loss is not finite.
    """
    state = engine.state
    chosen: Weights = (state.params, state.statistics)
    history: list[Epoch] = []
    key = jax.random.key(seed)
    began = time.perf_counter()
    for number in range(1, epochs + 1):
        epoch_began = time.perf_counter()
        state, train = jax.block_until_ready(engine.train(state, jax.random.fold_in(key, number)))
        train_s = time.perf_counter() - epoch_began
        held_out = jax.block_until_ready(engine.evaluate(state.params, state.statistics))
        epoch = Epoch(
            epoch=number,
            train_loss=float(train.loss) / engine.images_per_epoch,
            train_accuracy=float(train.correct) / engine.images_per_epoch,
            validation_loss=float(held_out.loss) / engine.validation_images,
            validation_accuracy=float(held_out.correct) / engine.validation_images,
            train_s=train_s,
            elapsed_s=time.perf_counter() - began,
            images=engine.images_per_epoch,
        )
        if not math.isfinite(epoch.train_loss):
            raise Diverged(
                f"the training loss became {epoch.train_loss} in epoch {number}; "
                "lower the learning rate"
            )
        history.append(epoch)
        on_epoch(epoch)
        best = best_epoch(history)
        if patience is None or best == number:
            # A copy, since the state itself is donated to the next epoch.
            chosen = jax.tree.map(jnp.copy, (state.params, state.statistics))
        if patience is not None and number - best >= patience:
            break
    return chosen, tuple(history)


def best_epoch(history: list[Epoch]) -> int:
    """The epoch of the lowest validation loss, the earliest if there are several."""
    return min(history, key=lambda epoch: epoch.validation_loss).epoch
