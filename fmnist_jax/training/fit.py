"""The loop over epochs: history, early stopping, best weights."""

import math
import time
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp

from fmnist_jax.errors import Diverged
from fmnist_jax.learner import Epoch
from fmnist_jax.training.checkpoint import Checkpoints, Snapshot, Weights
from fmnist_jax.training.engine import Engine
from fmnist_jax.training.placement import broadcast_from_first


def fit(
    engine: Engine,
    epochs: int,
    seed: int,
    patience: int | None,
    on_epoch: Callable[[Epoch], None],
    checkpoints: Checkpoints | None = None,
) -> tuple[Weights, tuple[Epoch, ...]]:
    """Train for up to `epochs` epochs, going on from the last checkpoint if there is one.

    The randomness of an epoch depends on the seed and its number alone, so that the
    result is the same to the bit however often the training was cut off.

    Args:
        engine: consumed: its initial state is donated to the first epoch.
        epochs: the most to train.
        seed: of shuffling, augmentation and dropout.
        patience: stop after this many epochs without a lower validation loss,
            and return the weights of the lowest; None trains to the end and
            returns the last weights, which is what a schedule that anneals to
            zero is made for.
        on_epoch: told of each epoch as it ends, not of those before the checkpoint.
        checkpoints: None keeps none. Over several hosts only process 0 may have some;
            the others start from where it does.

    Returns:
        The chosen weights and the history.

    Raises:
        Diverged: the training loss is not finite.
    """
    start = Snapshot(engine.state, (engine.state.params, engine.state.statistics))
    state, chosen, history = broadcast_from_first(
        checkpoints.restore(start) if checkpoints else start
    )
    key = jax.random.key(seed)
    began = time.perf_counter() - (history[-1].elapsed_s if history else 0.0)
    while not is_over(history, epochs, patience):
        number = len(history) + 1
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
        history = (*history, epoch)
        on_epoch(epoch)
        if patience is None or best_epoch(history) == number:
            # A copy, since the state itself is donated to the next epoch.
            chosen = jax.tree.map(jnp.copy, (state.params, state.statistics))
        if checkpoints and checkpoints.due(number):
            paused = time.perf_counter()
            checkpoints.save(Snapshot(state, chosen, history))
            began += time.perf_counter() - paused
    return chosen, history


def is_over(history: Sequence[Epoch], epochs: int, patience: int | None) -> bool:
    """Whether all epochs are done, or `patience` of them have brought no better one."""
    if not history or patience is None:
        return len(history) >= epochs
    return len(history) >= min(epochs, best_epoch(history) + patience)


def best_epoch(history: Sequence[Epoch]) -> int:
    """The epoch of the lowest validation loss, the earliest if there are several."""
    return min(history, key=lambda epoch: epoch.validation_loss).epoch
