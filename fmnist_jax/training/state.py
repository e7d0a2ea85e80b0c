"""The state of a training: what a step changes, and what a checkpoint holds."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from fmnist_jax.history import Epoch
from fmnist_jax.nn.network import Network

MAX_FLAT = 300_000  # numbers

Params = Any
BatchStats = Any
Weights = tuple[Params, BatchStats]


class TrainState(NamedTuple):
    """All that a training step changes, identical on every device.

    Attributes:
        params: the trainable weights, float32.
        batch_stats: BatchNorm's running averages; empty for a network without.
        opt_state: the optimizer's state.
        average: exponential moving average of the weights, with BatchNorm's statistics for
            them as of the last epoch; None without averaging.
    """

    params: Params
    batch_stats: BatchStats
    opt_state: optax.OptState
    average: Weights | None = None

    @property
    def weights(self) -> Weights:
        """The weights to evaluate and to keep: the averaged ones where there are some."""
        return self.average or (self.params, self.batch_stats)


class Best(NamedTuple):
    """The weights of the lowest validation loss.

    Attributes:
        weights: of the epoch.
        loss: its sum over the validation images, float32 [].
        epoch: its number, int32 [].
    """

    weights: Weights
    loss: jax.Array
    epoch: jax.Array


class Snapshot(NamedTuple):
    """All that the loop over epochs carries from one epoch to the next.

    Attributes:
        state: after the last epoch.
        weights: those that would be returned if the training ended here.
        history: the epochs so far.
    """

    state: TrainState
    weights: Weights
    history: tuple[Epoch, ...] = ()


def variables(params: Params, batch_stats: BatchStats) -> dict[str, Any]:
    """Return the variables that `Network.apply` takes."""
    return {"params": params, "batch_stats": batch_stats}


def initial_state(
    network: Network,
    optimizer: optax.GradientTransformation,
    key: jax.Array,
    averaged: bool = False,
) -> TrainState:
    """Draw fresh weights from `key`; `averaged` starts their moving average with them."""
    initial = network.init({"params": key}, jnp.zeros((1, 28, 28, 1), jnp.float32))
    weights = params, batch_stats = initial["params"], initial.get("batch_stats", {})
    average = weights if averaged else None
    return TrainState(params, batch_stats, optimizer.init(params), average)


def is_small(tree: Any) -> bool:
    """Return whether the arrays of a tree are better handled as one vector.

    A dozen small arrays cost more in dispatch than in arithmetic. Of many numbers XLA:CPU may
    make a program that looks for the array of each: a dense network of 535,818 weights trained
    at 11,000 images/s in place of 47,000 (two cores of a Zen 4).
    """
    return sum(leaf.size for leaf in jax.tree.leaves(tree)) <= MAX_FLAT


def all_finite(tree: Any) -> jax.Array:
    """Return whether every number of a tree of arrays is finite, bool []."""
    leaves = [jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(tree)]
    return jnp.stack(leaves).all() if leaves else jnp.bool_(True)
