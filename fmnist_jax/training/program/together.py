"""Train several epochs, and several seeds, in one call of a compiled program.

An accelerator trains an epoch of a small network in milliseconds. What the host adds to each, a
call, a wait and the call that validates, is then felt; and a step has too little to do, of which
several seeds have as many times more.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from fmnist_jax.data.dataset import Split
from fmnist_jax.nn.network import Network
from fmnist_jax.training import jax_cache
from fmnist_jax.training.config import TrainingConfig
from fmnist_jax.training.program.engine import Placed, first_state, place, timed
from fmnist_jax.training.program.epoch import AXIS, evaluate, train_epoch, train_epochs
from fmnist_jax.training.program.placement import to_devices
from fmnist_jax.training.program.step import EpochMetrics, Metrics, Targets
from fmnist_jax.training.state import Best, TrainState

Trained = tuple[TrainState, Best | None, EpochMetrics, Metrics]


@dataclass(frozen=True)
class Together:
    """A compiled program that trains several epochs of one or more seeds.

    Of several seeds every array of the state, of the best weights and of the metrics has one
    more axis, the first. Of one it has none.

    Attributes:
        state: fresh weights; the first call consumes it.
        best: what the best weights of early stopping start from; None without.
        train: (state, best, first epoch, epochs, soft) -> state, best, metrics [epochs_per_call].
        seeds: how many.
        epochs_per_call: epochs that a call can train.
        sizes: images of a training epoch, and of validation.
        batch_size: images of one step of one seed, over all devices.
        soft: a teacher's probabilities, on all devices; None without a teacher.
        initialise_s: seconds of drawing the first weights.
        compile_s: seconds of tracing and compiling.
        compile_cached: whether the program came from the cache; None without one.
        first_call_s: seconds of a call that trains nothing.
    """

    state: TrainState
    best: Best | None
    train: Callable[[TrainState, Best | None, int, int, jax.Array | None], Trained]
    seeds: int
    epochs_per_call: int
    sizes: tuple[int, int]
    batch_size: int
    soft: jax.Array | None
    initialise_s: float
    compile_s: float
    compile_cached: bool | None
    first_call_s: float

    def taught(self, soft: npt.NDArray[np.float32]) -> "Together":
        """Return the program with a teacher's probabilities, [training images, views, classes]."""
        assert self.soft is not None, "compiled without a teacher"
        return replace(self, soft=to_devices(soft, self.soft.sharding))

    def warm_up(self) -> float:
        """Return the seconds that the first call took, which trained nothing."""
        return self.first_call_s


def compile_together(
    network: Network,
    config: TrainingConfig,
    train: Split,
    validation: Split,
    seeds: Sequence[int],
    devices: Sequence[jax.Device],
) -> Together:
    """Place the data, make the initial states and compile.

    Raises:
        ValueError: several seeds have a teacher, for which this is not made.
    """
    if config.teacher and len(seeds) > 1:
        raise ValueError("seeds with a teacher each are not trained together")
    placed = place(network, config, train, validation, devices)
    drawn = [first_state(placed, network, config, train, seed) for seed in seeds]
    state, best, keys = _first_of_all([state for state, _ in drawn], placed, config, seeds)
    most = min(config.epochs_per_call, config.epochs)
    mapped = jax.pmap(
        program_of_device(network, config, placed, most, len(seeds)),
        AXIS,
        in_axes=(0, None, None, None, None, 0, None, None, None),
        out_axes=None,
        donate_argnums=(1, 2),
        devices=devices,
    )

    def arguments(
        state: TrainState, best: Best | None, first: int, count: int, soft: jax.Array | None
    ) -> tuple[Any, ...]:
        targets = placed.targets._replace(soft=soft)
        numbers = np.int32(first), np.int32(count)
        return placed.ranks, state, best, placed.images, targets, placed.chunks, keys, *numbers

    start = time.perf_counter()
    with jax_cache.watched() as cache:
        program = mapped.lower(*arguments(state, best, 1, 0, placed.targets.soft)).compile()
    compile_s = time.perf_counter() - start

    def run(*given: Any) -> Trained:
        trained: Trained = program(*arguments(*given))
        return trained

    (state, best, *_), first_call_s = timed(run, state, best, 1, 0, placed.targets.soft)
    return Together(
        state=state,
        best=best,
        train=run,
        seeds=len(seeds),
        epochs_per_call=most,
        sizes=(placed.shape.images, len(validation)),
        batch_size=placed.shape.batch_size,
        soft=placed.targets.soft,
        initialise_s=sum(seconds for _, seconds in drawn),
        compile_s=compile_s,
        compile_cached=cache.cached,
        first_call_s=first_call_s,
    )


def _first_of_all(
    states: Sequence[TrainState], placed: Placed, config: TrainingConfig, seeds: Sequence[int]
) -> tuple[TrainState, Best | None, jax.Array]:
    """Return the state, the best weights so far and the keys of all seeds; of one, without axis."""
    state, keys = states[0], jax.random.key(seeds[0])
    sharding = placed.images.sharding
    if len(seeds) > 1:
        state = to_devices(jax.tree.map(_stack, *states), sharding)
        keys = jnp.stack([jax.random.key(seed) for seed in seeds])
    if config.patience is None:
        return state, None, keys
    never = np.full(keys.shape, np.inf, np.float32), np.zeros(keys.shape, np.int32)
    return state, Best(*to_devices((jax.device_get(state.weights), *never), sharding)), keys


def program_of_device(
    network: Network, config: TrainingConfig, placed: Placed, most: int, seeds: int
) -> Callable[..., Trained]:
    """Return the program as one device sees it, free of pmap."""

    def program(
        rank: jax.Array,
        state: TrainState,
        best: Best | None,
        images: jax.Array,
        targets: Targets,
        chunks: tuple[jax.Array, ...],
        key: jax.Array,
        first: jax.Array,
        count: jax.Array,
    ) -> Trained:
        def train(state: TrainState, epoch: jax.Array) -> tuple[TrainState, EpochMetrics]:
            return train_epoch(
                network, config, placed.optimizer, placed.shape, rank, state, images, targets,
                key, epoch,
            )  # fmt: skip

        validate = partial(evaluate, network, chunks=chunks)
        return train_epochs(train, validate, most, config.patience, state, best, first, count)

    if seeds == 1:
        return program
    return jax.vmap(program, in_axes=(None, 0, 0, None, None, None, 0, None, None))


def _stack(*arrays: jax.Array) -> Any:
    return np.stack(jax.device_get(arrays))
