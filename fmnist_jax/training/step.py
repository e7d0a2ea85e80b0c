"""One optimization step as one device sees it, free of pmap."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import lax
from jax.flatten_util import ravel_pytree

from fmnist_jax.models.base import Network

Params = Any
Statistics = Any


class State(NamedTuple):
    """All that training changes, identical on every device.

    Attributes:
        params: the trainable weights, float32.
        statistics: BatchNorm's running averages; empty for a network without.
        optimizer: optax's state.
    """

    params: Params
    statistics: Statistics
    optimizer: optax.OptState


class Metrics(NamedTuple):
    """Sums over images: loss float32 [], correct predictions float32 []."""

    loss: jax.Array
    correct: jax.Array


def scale(images: jax.Array) -> jax.Array:
    """uint8 [b, 28, 28] -> float32 [b, 28, 28, 1] in [0, 1]."""
    return images[..., None].astype(jnp.float32) / 255.0


def variables(params: Params, statistics: Statistics) -> dict[str, Any]:
    """What `Network.apply` takes."""
    return {"params": params, "batch_stats": statistics}


def initial_state(
    network: Network, optimizer: optax.GradientTransformation, key: jax.Array
) -> State:
    """Fresh weights from `key`."""
    made = network.init({"params": key}, jnp.zeros((1, 28, 28, 1), jnp.float32))
    params = made["params"]
    return State(params, made.get("batch_stats", {}), optimizer.init(params))


def train_step(
    network: Network,
    optimizer: optax.GradientTransformation,
    label_smoothing: float,
    axis_name: str,
    state: State,
    images: jax.Array,
    labels: jax.Array,
    key: jax.Array,
) -> tuple[State, Metrics]:
    """One update from this device's share of the batch.

    Gradients and running statistics are averaged over `axis_name`, so that the
    new state is the same on every device.

    Args:
        network: computes logits.
        optimizer: turns gradients into updates.
        label_smoothing: share of the target spread over all classes.
        axis_name: of the device axis.
        state: before the step.
        images: float32 [b, 28, 28, 1] in [0, 1], augmented.
        labels: integers [b].
        key: for dropout, this device's own.

    Returns:
        The state after the step, and the metrics of this device's share.
    """

    def loss_of(params: Params) -> tuple[jax.Array, tuple[Metrics, Statistics]]:
        logits, changed = network.apply(
            variables(params, state.statistics),
            images,
            train=True,
            mutable=["batch_stats"],
            rngs={"dropout": key},
        )
        losses = cross_entropy(logits, labels, label_smoothing)
        correct = (logits.argmax(-1) == labels).astype(jnp.float32)
        metrics = Metrics(losses.sum(), correct.sum())
        return losses.mean(), (metrics, changed.get("batch_stats", {}))

    gradients, (metrics, statistics) = jax.grad(loss_of, has_aux=True)(state.params)
    # One vector, since every array of a collective waits for the other devices anew.
    local, unravel = ravel_pytree((gradients, statistics))
    gradients, statistics = unravel(lax.pmean(local, axis_name))
    updates, optimizer_state = optimizer.update(gradients, state.optimizer, state.params)
    params = optax.apply_updates(state.params, updates)
    return State(params, statistics, optimizer_state), metrics


def cross_entropy(logits: jax.Array, labels: jax.Array, label_smoothing: float = 0.0) -> jax.Array:
    """Cross-entropy per image, float32 [b], of logits [b, c] and integer labels [b]."""
    if label_smoothing == 0.0:
        return optax.losses.softmax_cross_entropy_with_integer_labels(logits, labels)
    targets = optax.smooth_labels(jax.nn.one_hot(labels, logits.shape[-1]), label_smoothing)
    return optax.losses.softmax_cross_entropy(logits, targets)
