"""One optimization step as one device sees it, free of pmap."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import lax
from jax.flatten_util import ravel_pytree

from fmnist_jax.nn.network import Network
from fmnist_jax.training.config import TrainingConfig
from fmnist_jax.training.state import BatchStats, Params, TrainState, is_small, variables


class Metrics(NamedTuple):
    """Sums over images: loss float32 [], correct predictions float32 []."""

    loss: jax.Array
    correct: jax.Array


class Targets(NamedTuple):
    """What to predict: labels, integers [b], and a teacher's probabilities, float32 [b, c].

    Of a whole training set the latter are [n, views, c], of `fmnist_jax.data.augment.views`.
    """

    labels: jax.Array
    soft: jax.Array | None = None


class EpochMetrics(NamedTuple):
    """Sums over the images of a training epoch, as in `Metrics`.

    `finite` says whether every weight and running average is finite at its end, bool []. The
    loss does not show it: relu and max pooling on a CPU turn NaN into numbers.
    """

    loss: jax.Array
    correct: jax.Array
    finite: jax.Array


def scale(images: jax.Array) -> jax.Array:
    """Map uint8 [b, 28, 28] to float32 [b, 28, 28, 1] in [0, 1]."""
    return images[..., None].astype(jnp.float32) / 255.0


def train_step(
    network: Network,
    optimizer: optax.GradientTransformation,
    config: TrainingConfig,
    axis_name: str,
    state: TrainState,
    images: jax.Array,
    targets: Targets,
    key: jax.Array,
) -> tuple[TrainState, Metrics]:
    """Update the state from this device's share of the batch.

    Gradients and running statistics are averaged over `axis_name`, so that the
    new state is the same on every device.

    Args:
        network: computes logits.
        optimizer: turns gradients into updates.
        config: of its loss and its averaging of weights.
        axis_name: of the device axis.
        state: before the step.
        images: float32 [b, 28, 28, 1] in [0, 1], augmented.
        targets: of the images.
        key: for dropout and mixup, this device's own.

    Returns:
        The state after the step, and the metrics of this device's share; where images are
        mixed, a prediction is correct that names the larger part.
    """
    share = None
    if config.mixup:
        key, mixup_key = jax.random.split(key)
        share = jax.random.beta(mixup_key, config.mixup, config.mixup)
        share = jnp.maximum(share, 1 - share)
        images = mix(images, share)

    def loss_of(params: Params) -> tuple[jax.Array, tuple[Metrics, BatchStats]]:
        logits, changed = network.apply(
            variables(params, state.batch_stats), images,
            train=True, mutable=["batch_stats"], rngs={"dropout": key},
        )  # fmt: skip
        losses = _losses(logits, targets, config)
        if share is not None:
            others = jax.tree.map(lambda leaf: leaf[::-1], targets)
            losses = share * losses + (1 - share) * _losses(logits, others, config)
        correct = (logits.argmax(-1) == targets.labels).astype(jnp.float32)
        metrics = Metrics(losses.sum(), correct.sum())
        return losses.mean(), (metrics, changed.get("batch_stats", {}))

    gradients, (metrics, batch_stats) = jax.grad(loss_of, has_aux=True)(state.params)
    gradients, batch_stats = _mean((gradients, batch_stats), axis_name)
    updates, opt_state = optimizer.update(gradients, state.opt_state, state.params)
    params = optax.apply_updates(state.params, updates)
    average = state.average
    if average is not None:  # its statistics are renewed at the end of the epoch
        averaged = optax.incremental_update(params, average[0], 1 - config.average_decay)
        average = averaged, average[1]
    return TrainState(params, batch_stats, opt_state, average), metrics


def mix(images: jax.Array, share: jax.Array) -> jax.Array:
    """Return `share` [] of each image [b, ...], and else the one as far from the batch's end.

    Zhang, Cisse, Dauphin, Lopez-Paz 2018, "mixup: Beyond empirical risk minimization", arXiv
    1710.09412; as there, one share per batch, and its order, random already, makes the pairs.
    """
    return share * images + (1 - share) * images[::-1]


def _mean(tree: Any, axis_name: str) -> Any:
    """Average arrays over the devices."""
    if not is_small(tree):
        return lax.pmean(tree, axis_name)
    # One vector: each array of a collective would wait for the other devices again.
    local, unravel = ravel_pytree(tree)
    return unravel(lax.pmean(local, axis_name))


def _losses(logits: jax.Array, targets: Targets, config: TrainingConfig) -> jax.Array:
    """Return the loss per image; with a teacher, Hinton et al. 2015, section 2.

    The teacher's part is scaled by the temperature's square, so that its gradient keeps the size
    that it has at temperature 1.
    """
    losses = cross_entropy(logits, targets.labels, config.label_smoothing)
    if targets.soft is None or config.teacher is None:
        return losses
    temperature, weight = config.teacher.temperature, config.teacher.weight
    taught = optax.losses.softmax_cross_entropy(logits / temperature, targets.soft)
    return (1 - weight) * losses + weight * temperature**2 * taught


def cross_entropy(logits: jax.Array, labels: jax.Array, label_smoothing: float = 0.0) -> jax.Array:
    """Return the cross-entropy per image, float32 [b], of logits [b, c] and labels [b]."""
    # By labels as indices its gradient would scatter, which accelerators do slowly.
    targets = optax.smooth_labels(jax.nn.one_hot(labels, logits.shape[-1]), label_smoothing)
    return optax.losses.softmax_cross_entropy(logits, targets)
