"""A whole epoch, and validation, as one device sees them, free of pmap."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax import lax

from fmnist_jax.data.augment import augment, draw, view_index
from fmnist_jax.nn.network import Network
from fmnist_jax.training.config import TrainingConfig
from fmnist_jax.training.program.batch_size import EpochShape
from fmnist_jax.training.program.step import (
    EpochMetrics,
    Metrics,
    Targets,
    cross_entropy,
    scale,
    train_step,
)
from fmnist_jax.training.state import (
    BatchStats,
    Best,
    Params,
    TrainState,
    Weights,
    all_finite,
    variables,
)

AXIS = "device"
# Of an epoch's steps, one in so many gives its images to the statistics of averaged weights: a
# forward pass each, together 3% of an epoch of the ResNet on two cores.
STEPS_PER_STATISTICS = 20


def train_epoch(
    network: Network,
    config: TrainingConfig,
    optimizer: optax.GradientTransformation,
    shape: EpochShape,
    rank: jax.Array,
    state: TrainState,
    images: jax.Array,
    targets: Targets,
    key: jax.Array,
    epoch: jax.Array,
) -> tuple[TrainState, EpochMetrics]:
    """Train one epoch as the device `rank` sees it; all of them end in the same state."""
    config = limit_average(config, shape.steps * config.epochs)
    order_key, augment_key, dropout_key = jax.random.split(jax.random.fold_in(key, epoch), 3)
    order = jax.random.permutation(order_key, len(images))[: shape.images]
    # All that is drawn at random but dropout is drawn here, of which a step takes its part.
    numbers = draw(augment_key, shape.images, config.augment, turn=order + epoch)
    rows, numbers = jax.tree.map(
        lambda drawn: drawn.reshape(*shape, *drawn.shape[1:])[:, rank], (order, numbers)
    )
    dropout_key = jax.random.fold_in(dropout_key, rank)
    keys = jax.random.split(dropout_key, shape.steps)

    def one_step(state: TrainState, of_step: tuple[Any, ...]) -> tuple[TrainState, Metrics]:
        rows, numbers, key = of_step
        batch = augment(scale(images[rows]), numbers, config.augment)
        wanted = Targets(targets.labels[rows])
        if targets.soft is not None:
            view = view_index(numbers, config.augment, len(rows))
            wanted = wanted._replace(soft=targets.soft[rows, view])
        return train_step(network, optimizer, config, AXIS, state, batch, wanted, key)

    state, metrics = lax.scan(one_step, state, (rows, numbers, keys))
    sums = lax.psum(jax.tree.map(jnp.sum, metrics), AXIS)
    recomputed: BatchStats = {}
    if state.average and state.batch_stats:
        rows = rows[: -(-shape.steps // STEPS_PER_STATISTICS)]
        key = jax.random.fold_in(dropout_key, shape.steps)
        recomputed = batch_statistics(network, state.weights, images, rows, key)
        state = state._replace(average=(state.weights[0], recomputed))
    finite = all_finite((state.params, state.batch_stats, recomputed))
    return state, EpochMetrics(sums.loss, sums.correct, finite)


def limit_average(config: TrainingConfig, steps: int) -> TrainingConfig:
    """Return `config` with an average of weights that reaches over a tenth of the steps at most.

    A longer one, in a short training, would be an average of the random weights at its start.
    """
    longest = max(0.0, 1 - 10 / steps)
    return config.model_copy(update={"average_decay": min(config.average_decay, longest)})


def train_epochs(
    train: Callable[[TrainState, jax.Array], tuple[TrainState, EpochMetrics]],
    validate: Callable[[Params, BatchStats], Metrics],
    most: int,
    patience: int | None,
    state: TrainState,
    best: Best | None,
    first: jax.Array,
    count: jax.Array,
) -> tuple[TrainState, Best | None, EpochMetrics, Metrics]:
    """Train epochs `first` to `first + count - 1`, with validation after each, in one program.

    Args:
        train: trains an epoch of a number.
        validate: returns the metrics of weights on validation.
        most: length of the arrays of metrics, at least `count`.
        patience: epochs without a better one after which none replaces the best.
        state: before the first of them.
        best: of the epochs before; None: not wanted, without patience.
        first: number of the first epoch, int32 [].
        count: of epochs, int32 [].

    Returns:
        The state, the best weights so far, and the metrics of each epoch, [most].
    """

    def one(number: jax.Array, carry: tuple[Any, ...]) -> tuple[Any, ...]:
        state, best, history = carry
        state, trained = train(state, first + number)
        validated = validate(*state.weights)
        if best is not None and patience is not None:
            now = Best(state.weights, validated.loss, first + number)
            is_better = (now.loss < best.loss) & (now.epoch <= best.epoch + patience)
            best = jax.tree.map(partial(jnp.where, is_better), now, best)
        # By comparison: an update in place becomes a scatter where seeds are mapped over.
        put = partial(jnp.where, jnp.arange(most) == number)
        history = jax.tree.map(put, (trained, validated), history)
        return state, best, history

    zeros, never = jnp.zeros(most, jnp.float32), jnp.zeros(most, bool)
    history = EpochMetrics(zeros, zeros, never), Metrics(zeros, zeros)
    state, best, history = lax.fori_loop(0, count, one, (state, best, history))
    return state, best, *history


def batch_statistics(
    network: Network, weights: Weights, images: jax.Array, rows: jax.Array, key: jax.Array
) -> BatchStats:
    """Return what BatchNorm's running averages would be, had all batches had these weights.

    Averaged weights need statistics of their own: an average of those of the weights on the way
    belongs to none of them (Izmailov et al. 2018, arXiv 1803.05407, section 3.2). Each is the
    plain mean of the batches' own.

    Args:
        network: computes logits; its BatchNorm may have any momentum.
        weights: of the statistics, only the shapes matter, but for those that never change.
        images: uint8 [n, 28, 28]; used as they are, not augmented.
        rows: integers [k, b], of the k batches of this device.
        key: for dropout, this device's own.
    """
    params, batch_stats = weights
    zeros, ones = (jax.tree.map(fill, batch_stats) for fill in (jnp.zeros_like, jnp.ones_like))

    def of_batch(batch: tuple[jax.Array, jax.Array]) -> BatchStats:
        number, rows = batch

        def running(before: BatchStats) -> BatchStats:
            _, changed = network.apply(
                variables(params, before),
                scale(images[rows]),
                train=True,
                mutable=["batch_stats"],
                rngs={"dropout": jax.random.fold_in(key, number)},
            )
            return changed["batch_stats"]

        # momentum * before + (1 - momentum) * own: the derivative is the momentum.
        after, momentum = jax.jvp(running, (zeros,), (ones,))
        return jax.tree.map(own, batch_stats, after, momentum)

    def own(given: jax.Array, after: jax.Array, momentum: jax.Array) -> jax.Array:
        constant = momentum == 1  # such as a projection, which no batch changes
        return jnp.where(constant, given, after / jnp.where(constant, 1, 1 - momentum))

    statistics = lax.map(of_batch, (jnp.arange(len(rows)), rows))
    return lax.pmean(jax.tree.map(lambda leaf: leaf.mean(0), statistics), AXIS)


def evaluate(
    network: Network, params: Params, batch_stats: BatchStats, chunks: tuple[jax.Array, ...]
) -> Metrics:
    """Sum the metrics over this device's `chunks` and then over all devices."""

    def one_chunk(chunk: tuple[jax.Array, ...]) -> Metrics:
        images, labels, weight = chunk
        logits = network.apply(variables(params, batch_stats), scale(images))
        correct = (logits.argmax(-1) == labels).astype(jnp.float32)
        return Metrics((weight * cross_entropy(logits, labels)).sum(), (weight * correct).sum())

    return lax.psum(jax.tree.map(jnp.sum, lax.map(one_chunk, chunks)), AXIS)
