"""The loop over epochs: history, early stopping, best weights, checkpoints."""

import math
import time
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp

from fmnist_jax.errors import Diverged
from fmnist_jax.history import Checkpoints, Epoch
from fmnist_jax.training import checkpoint
from fmnist_jax.training.program.engine import Engine
from fmnist_jax.training.program.placement import broadcast_from_first
from fmnist_jax.training.program.step import EpochMetrics, Metrics
from fmnist_jax.training.state import Snapshot, TrainState, Weights


def fit(
    engine: Engine,
    epochs: int,
    patience: int | None,
    on_epoch: Callable[[Epoch], None],
    checkpoints: Checkpoints | None = None,
    before_s: float = 0.0,
) -> tuple[Weights, tuple[Epoch, ...]]:
    """Train for up to `epochs` epochs, continuing from the last checkpoint if there is one.

    The randomness of an epoch depends on the seed and the epoch's number alone, so the
    result is equal to the bit however often the training was interrupted.

    Args:
        engine: consumed: its initial state is donated to the first epoch.
        epochs: the most to train.
        patience: stop after this many epochs without a lower validation loss, and return
            the weights of the lowest. None trains to the end and returns the last
            weights, which suits a schedule that anneals to zero.
        on_epoch: called after each epoch, not for those before the checkpoint.
        checkpoints: None writes none. Over several hosts only process 0 may have some;
            the others start from where it does.
        before_s: seconds that the training took before its first epoch, as for a teacher.

    Returns:
        The chosen weights and the history.

    Raises:
        Diverged: a loss, a weight or a running average is not finite.
    """
    start = Snapshot(engine.state, engine.state.weights)
    state, weights, history = broadcast_from_first(
        checkpoint.restore(checkpoints, start) if checkpoints else start
    )
    start_s = time.perf_counter() - (history[-1].elapsed_s if history else before_s)
    while not is_over(history, epochs, patience):
        number = len(history) + 1
        state, epoch = _train_epoch(engine, state, number, start_s)
        history = (*history, epoch)
        on_epoch(epoch)
        if patience is None:
            weights = state.weights
        elif best_epoch(history) == number:
            # Copied, since the state itself is donated to the next epoch.
            weights = jax.tree.map(jnp.copy, state.weights)
        if checkpoints and checkpoint.is_due(checkpoints, number):
            pause_s = time.perf_counter()
            checkpoint.save(checkpoints, Snapshot(state, weights, history))
            start_s += time.perf_counter() - pause_s
    return weights, history


def _train_epoch(
    engine: Engine, state: TrainState, number: int, start_s: float
) -> tuple[TrainState, Epoch]:
    """Train and validate epoch `number` of a training that began at `start_s`."""
    epoch_start_s = time.perf_counter()
    state, train = jax.block_until_ready(engine.train(state, number))
    train_s = time.perf_counter() - epoch_start_s
    validation = jax.block_until_ready(engine.evaluate(*state.weights))
    elapsed_s = time.perf_counter() - start_s
    sizes = engine.images_per_epoch, engine.validation_images
    return state, make_epoch(number, train, validation, sizes, train_s, elapsed_s)


def make_epoch(
    number: int,
    train: EpochMetrics,
    validation: Metrics,
    sizes: tuple[int, int],
    train_s: float,
    elapsed_s: float,
) -> Epoch:
    """Return epoch `number` of the history, from sums over images of training and validation.

    Raises:
        Diverged: a loss, a weight or a running average is not finite.
    """
    images, validation_images = sizes
    epoch = Epoch(
        epoch=number,
        train_loss=float(train.loss) / images,
        train_accuracy=float(train.correct) / images,
        validation_loss=float(validation.loss) / validation_images,
        validation_accuracy=float(validation.correct) / validation_images,
        train_s=train_s,
        elapsed_s=elapsed_s,
        images=images,
    )
    for name, loss in (("training", epoch.train_loss), ("validation", epoch.validation_loss)):
        if not math.isfinite(loss):
            raise Diverged(
                f"the {name} loss became {loss} in epoch {number}; lower the learning rate"
            )
    if not train.finite:
        raise Diverged(f"a weight is not finite after epoch {number}; lower the learning rate")
    return epoch


def is_over(history: Sequence[Epoch], epochs: int, patience: int | None) -> bool:
    """Whether all epochs are done, or `patience` of them have brought no better one."""
    if not history or patience is None:
        return len(history) >= epochs
    return len(history) >= min(epochs, best_epoch(history) + patience)


def best_epoch(history: Sequence[Epoch]) -> int:
    """Return the epoch of the lowest validation loss, the earliest if there are several."""
    return min(history, key=lambda epoch: epoch.validation_loss).epoch
