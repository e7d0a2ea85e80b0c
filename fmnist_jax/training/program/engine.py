"""Compile and run whole epochs: one call trains an epoch on all devices.

Only this file and `predictor.py` use pmap. The training set lies on every device as
uint8 (55 MB at full size). An epoch is a `lax.scan` over its steps, with shuffling,
scaling and augmentation inside, so that the host dispatches once per epoch. Every device
draws the same permutation and the same randomness per image and takes its own rows of
each global batch. The result therefore depends neither on the number of devices nor on
the hosts that they belong to, up to rounding. Over several hosts every process calls the
same programs in the same order.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np
import numpy.typing as npt
import optax
from jax.sharding import Mesh, NamedSharding, PartitionSpec, Sharding

from fmnist_jax.data.augment import views
from fmnist_jax.data.dataset import CLASSES, Split
from fmnist_jax.nn.network import Network
from fmnist_jax.training import jax_cache
from fmnist_jax.training.config import TrainingConfig
from fmnist_jax.training.program.batch_size import (
    EpochShape,
    divide,
    epoch_shape,
    evaluation_chunk,
)
from fmnist_jax.training.program.epoch import AXIS, evaluate, train_epoch
from fmnist_jax.training.program.learning_rate import scale_learning_rate
from fmnist_jax.training.program.optimizer import make_optimizer
from fmnist_jax.training.program.placement import to_devices
from fmnist_jax.training.program.step import EpochMetrics, Metrics, Targets
from fmnist_jax.training.state import (
    BatchStats,
    Params,
    TrainState,
    Weights,
    initial_state,
)


@dataclass(frozen=True)
class Engine:
    """Compiled programs, with the data they run on already in place.

    Attributes:
        state: fresh weights on all devices; the first call of `train` consumes it.
        train_epoch: (state, number of the epoch, soft) -> (state, metrics of the epoch).
        evaluate: (params, batch_stats) -> metrics on validation.
        images_per_epoch: training images that one call of `train` consumes.
        validation_images: images behind the sums of `evaluate`.
        batch_size: images of one step, over all devices.
        initialise_s: seconds of drawing the first weights.
        compile_s: seconds of tracing and compiling training and evaluation.
        compile_cached: whether both came from the cache; None without one.
        soft: a teacher's probabilities, on all devices; None without a teacher.
    """

    state: TrainState
    train_epoch: Callable[[TrainState, int, jax.Array | None], tuple[TrainState, EpochMetrics]]
    evaluate: Callable[[Params, BatchStats], Metrics]
    images_per_epoch: int
    validation_images: int
    batch_size: int
    initialise_s: float
    compile_s: float
    compile_cached: bool | None
    soft: jax.Array | None = None

    def train(self, state: TrainState, epoch: int) -> tuple[TrainState, EpochMetrics]:
        """Train epoch number `epoch`; `state` is consumed."""
        return self.train_epoch(state, epoch, self.soft)

    def taught(self, soft: npt.NDArray[np.float32]) -> "Engine":
        """Return the engine with a teacher's probabilities, [training images, views, classes]."""
        assert self.soft is not None, "compiled without a teacher"
        return replace(self, soft=to_devices(soft, self.soft.sharding))

    def warm_up(self) -> float:
        """Evaluate once, which trains nothing; return the seconds it took."""
        return timed(self.evaluate, *self.state.weights)[1]


def compile_engine(
    network: Network,
    config: TrainingConfig,
    train: Split,
    validation: Split,
    seed: int,
    devices: Sequence[jax.Device],
) -> Engine:
    """Place the data, make the initial state and compile."""
    placed = place(network, config, train, validation, devices)
    key = jax.random.key(seed)
    state, initialise_s = first_state(placed, network, config, train, seed)

    start = time.perf_counter()
    with jax_cache.watched() as cache:
        train_program = (
            jax.pmap(
                partial(train_epoch, network, config, placed.optimizer, placed.shape),
                AXIS,
                in_axes=(0, None, None, None, None, None),
                out_axes=None,
                donate_argnums=1,
                devices=devices,
            )
            .lower(placed.ranks, state, placed.images, placed.targets, key, np.int32(1))
            .compile()
        )
        evaluate_program = (
            jax.pmap(
                partial(evaluate, network),
                AXIS,
                in_axes=(None, None, 0),
                out_axes=None,
                devices=devices,
            )
            .lower(*state.weights, placed.chunks)
            .compile()
        )
    compile_s = time.perf_counter() - start

    return Engine(
        state=state,
        train_epoch=lambda state, epoch, soft: train_program(
            placed.ranks,
            state,
            placed.images,
            placed.targets._replace(soft=soft),
            key,
            np.int32(epoch),
        ),
        evaluate=lambda params, batch_stats: evaluate_program(params, batch_stats, placed.chunks),
        images_per_epoch=placed.shape.images,
        validation_images=len(validation),
        batch_size=placed.shape.batch_size,
        initialise_s=initialise_s,
        compile_s=compile_s,
        compile_cached=cache.cached,
        soft=placed.targets.soft,
    )


class Placed(NamedTuple):
    """The data on the devices, and what follows from how it is divided.

    Attributes:
        shape: of an epoch.
        optimizer: for as many steps, at the learning rate of their batch.
        ranks: the number of each device, int32 [devices].
        images: uint8 [n, 28, 28], on every device.
        targets: of them, likewise; a teacher's part is zeros until it is known.
        chunks: the validation split, divided over the devices.
    """

    shape: EpochShape
    optimizer: optax.GradientTransformation
    ranks: jax.Array
    images: jax.Array
    targets: Targets
    chunks: tuple[jax.Array, ...]


def place(
    network: Network,
    config: TrainingConfig,
    train: Split,
    validation: Split,
    devices: Sequence[jax.Device],
) -> Placed:
    """Divide an epoch, and place the data on the devices."""
    shape = epoch_shape(network, config, len(train), devices)
    optimizer = make_optimizer(
        scale_learning_rate(config, shape.batch_size), shape.steps * config.epochs
    )
    replicated, sharded = shardings(devices)
    ranks = to_devices(np.arange(shape.devices), sharded)
    images, labels = to_devices((train.images, train.labels), replicated)
    soft = None
    if config.teacher:
        shape_of_soft = len(train), len(views(config.augment)), CLASSES
        soft = to_devices(np.zeros(shape_of_soft, np.float32), replicated)
    chunk = evaluation_chunk(network, devices)
    chunks = to_devices(divide(validation, shape.devices, chunk), sharded)
    return Placed(shape, optimizer, ranks, images, Targets(labels, soft), chunks)


def shardings(devices: Sequence[jax.Device]) -> tuple[NamedSharding, NamedSharding]:
    """Return how arrays lie that every device has whole, and that have a part for each."""
    mesh = Mesh(np.array(devices), (AXIS,))
    return NamedSharding(mesh, PartitionSpec()), NamedSharding(mesh, PartitionSpec(AXIS))


def first_state(
    placed: Placed, network: Network, config: TrainingConfig, train: Split, seed: int
) -> tuple[TrainState, float]:
    """Return what the training of a seed starts from, on every device, and the seconds it took."""
    start_state = partial(
        initial_state, network, placed.optimizer, averaged=config.average_decay > 0
    )
    key, sharding = jax.random.key(seed), placed.images.sharding
    initialise = jax.jit(start_state, out_shardings=sharding).lower(key).compile()
    state, initialise_s = timed(initialise, key)
    drawn = state.weights
    weights = config.initial_weights(drawn, train, seed)
    return state if weights is drawn else _start_from(state, weights, sharding), initialise_s


def _start_from(state: TrainState, weights: Weights, sharding: Sharding) -> TrainState:
    """Return the state with other weights, on the devices; no optimizer has moved them yet."""
    weights = jax.device_get(weights)
    params, batch_stats = to_devices(weights, sharding)
    average = to_devices(weights, sharding) if state.average else None
    return TrainState(params, batch_stats, state.opt_state, average)


def timed(program: Callable[..., Any], *arguments: Any) -> tuple[Any, float]:
    """Return what a program gives, and the seconds until it is there."""
    start = time.perf_counter()
    result = jax.block_until_ready(program(*arguments))
    return result, time.perf_counter() - start
