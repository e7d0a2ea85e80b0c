"""The loop over calls that train several epochs, of one seed or of several."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from fmnist_jax.history import Checkpoints, Epoch
from fmnist_jax.training import checkpoint
from fmnist_jax.training.fit import best_epoch, is_over, make_epoch
from fmnist_jax.training.program.placement import broadcast_from_first, to_devices
from fmnist_jax.training.program.step import EpochMetrics, Metrics
from fmnist_jax.training.program.together import Together
from fmnist_jax.training.state import Best, Snapshot, TrainState, Weights


def fit_together(
    together: Together,
    epochs: int,
    patience: int | None,
    on_epoch: Callable[[Epoch], None],
    checkpoints: Checkpoints | None = None,
    before_s: float = 0.0,
) -> list[tuple[Weights, tuple[Epoch, ...]]]:
    """Train every seed as `fmnist_jax.training.fit.fit` trains one.

    The time of a call is divided equally among its epochs, with their validation, and among the
    seeds: what an epoch reports is its share.

    Args:
        together: consumed: its state is donated to the first call.
        epochs: the most to train.
        patience: as for `fit`.
        on_epoch: called after each call with each new epoch, of the first seed.
        checkpoints: of a training of one seed; those of several are not kept.
        before_s: seconds that the training took before its first epoch.

    Returns:
        The chosen weights and the history of each seed.

    Raises:
        Diverged: a loss, a weight or a running average is not finite.
    """
    if together.seeds > 1:
        checkpoints = None
    start = Snapshot(together.state, _weights(together.state, together.best))
    state, weights, history = broadcast_from_first(
        checkpoint.restore(checkpoints, start) if checkpoints else start
    )
    best = _restored(together, weights, history)
    histories = [history] * together.seeds
    start_s = time.perf_counter() - (history[-1].elapsed_s if history else before_s)
    while not all(is_over(history, epochs, patience) for history in histories):
        done = max(map(len, histories))
        count = min(together.epochs_per_call, epochs - done)
        call_start_s = time.perf_counter()
        state, best, *metrics = jax.block_until_ready(
            together.train(state, best, done + 1, count, together.soft)
        )
        end_s = time.perf_counter()
        elapsed_s, call_s = end_s - start_s, end_s - call_start_s
        new = _epochs(together, done, count, jax.device_get(metrics), elapsed_s, call_s)
        for seed, epochs_of_seed in enumerate(new):
            for epoch in epochs_of_seed:
                if not is_over(histories[seed], epochs, patience):
                    histories[seed] = (*histories[seed], epoch)
                    if seed == 0:
                        on_epoch(epoch)
        if checkpoints and any(checkpoint.is_due(checkpoints, epoch.epoch) for epoch in new[0]):
            pause_s = time.perf_counter()
            checkpoint.save(checkpoints, Snapshot(state, _weights(state, best), histories[0]))
            start_s += time.perf_counter() - pause_s
    weights = _weights(state, best)
    if together.seeds == 1:
        return [(weights, histories[0])]
    return [(_of_seed(weights, seed), history) for seed, history in enumerate(histories)]


def _weights(state: TrainState, best: Best | None) -> Weights:
    return best.weights if best else state.weights


def _restored(together: Together, weights: Weights, history: Sequence[Epoch]) -> Best | None:
    """Return the best weights after the epochs of a checkpoint, or of none."""
    if together.best is None or not history:
        return together.best
    best = history[best_epoch(history) - 1]
    loss = np.float32(best.validation_loss * together.sizes[1])
    sharding = together.best.loss.sharding
    return Best(weights, *to_devices((loss, np.int32(best.epoch)), sharding))


def _epochs(
    together: Together, done: int, count: int, metrics: Any, elapsed_s: float, call_s: float
) -> list[list[Epoch]]:
    """Return what a call trained, by seed; each has its share of the call's seconds."""
    share_s, end_s = call_s / count / together.seeds, elapsed_s / together.seeds
    several = together.seeds > 1
    result = []
    for seed in range(together.seeds):
        trained, validated = _of_seed(metrics, seed) if several else metrics
        result.append(
            [
                make_epoch(
                    done + at + 1,
                    EpochMetrics(*(sums[at] for sums in trained)),
                    Metrics(*(sums[at] for sums in validated)),
                    together.sizes,
                    train_s=share_s,
                    elapsed_s=end_s - (count - at - 1) * share_s,
                )
                for at in range(count)
            ]
        )
    return result


def _of_seed(tree: Any, seed: int) -> Any:
    return jax.tree.map(lambda array: array[seed], tree)
