"""The compiled programs of a run: one call trains an epoch on all devices.

The only file that knows of pmap. The training set lives on every device as
uint8 (55 MB at full size); an epoch is a `lax.scan` over its steps, with
shuffling, scaling and augmentation inside, so that the host dispatches once
per epoch. Every device draws the same permutation and the same per-image
randomness and takes its own rows of each global batch, which makes the result
independent of the number of devices, and of the hosts that they belong to, up to
rounding. Over several hosts every process calls the same programs in the same order.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jax import lax
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from fmnist_jax.data.augment import augment
from fmnist_jax.data.dataset import Split
from fmnist_jax.models.base import Network
from fmnist_jax.training import jax_cache as compilation
from fmnist_jax.training.batch_size import automatic_batch, evaluation_chunk
from fmnist_jax.training.config import FlaxConfig
from fmnist_jax.training.optimizer import optimizer
from fmnist_jax.training.placement import place
from fmnist_jax.training.programs import kept
from fmnist_jax.training.step import (
    Metrics,
    State,
    cross_entropy,
    initial_state,
    scale,
    train_step,
    variables,
)

AXIS = "device"


@dataclass(frozen=True)
class Engine:
    """Compiled programs, with the data they run on already in place.

    Attributes:
        state: fresh weights on all devices; the first call of `train` consumes it.
        train: (state, key) -> (state, loss sum and correct count of the epoch).
        evaluate: (params, statistics) -> loss sum and correct count on validation.
        images_per_epoch: training images that one call of `train` consumes.
        validation_images: images behind the sums of `evaluate`.
        batch_size: images of one step, over all devices.
        compile_s: seconds of tracing and compiling the two programs.
        compile_cached: whether both came from the cache; None without one.
    """

    state: State
    train: Callable[[State, jax.Array], tuple[State, Metrics]]
    evaluate: Callable[[Any, Any], Metrics]
    images_per_epoch: int
    validation_images: int
    batch_size: int
    compile_s: float
    compile_cached: bool | None

    def warm_up(self) -> float:
        """Run what can be run without training, once; the seconds it took."""
        began = time.perf_counter()
        jax.block_until_ready(self.evaluate(self.state.params, self.state.statistics))
        return time.perf_counter() - began


def build(
    network: Network,
    config: FlaxConfig,
    train: Split,
    validation: Split,
    seed: int,
    devices: Sequence[jax.Device],
) -> Engine:
    """Place the data, make the initial state and compile.

    The global batch is `config.batch_size`, or what the devices' memory allows,
    rounded up to a multiple of the number of devices and never more than the
    training set. The images left over when it does not divide an epoch are others
    in every epoch, since each is shuffled anew.
    """
    count = len(devices)
    wanted = config.batch_size
    if wanted == "auto":
        wanted = automatic_batch(network, devices[0], len(train) // count) * count
    per_device = min(-(-wanted // count), len(train) // count)
    steps = len(train) // (per_device * count)
    mesh = Mesh(np.array(devices), (AXIS,))
    everywhere = NamedSharding(mesh, PartitionSpec())
    split = NamedSharding(mesh, PartitionSpec(AXIS))

    transform = optimizer(config, steps * config.epochs)
    # Under jit the whole state is made in one program instead of an op at a time.
    make_state = jax.jit(partial(initial_state, network, transform), out_shardings=everywhere)
    state = make_state(jax.random.key(seed))
    ranks = place(np.arange(count), split)
    images, labels = place((train.images, train.labels), everywhere)
    chunk = evaluation_chunk(network, devices)
    held_out = place(_chunks(validation, count, chunk), split)

    def train_epoch(
        rank: jax.Array, state: State, images: jax.Array, labels: jax.Array, key: jax.Array
    ) -> tuple[State, Metrics]:
        order_key, augment_key, dropout_key = jax.random.split(key, 3)
        order = jax.random.permutation(order_key, len(train))[: steps * per_device * count]
        mine = order.reshape(steps, count, per_device)[:, rank]
        dropout_key = jax.random.fold_in(dropout_key, rank)

        def one_step(state: State, step: tuple[jax.Array, jax.Array]) -> tuple[State, Metrics]:
            number, rows = step
            batch = augment(
                jax.random.fold_in(augment_key, number),
                scale(images[rows]),
                config.augment,
                offset=rank * per_device,
                total=count * per_device,
            )
            return train_step(
                network,
                transform,
                config.label_smoothing,
                AXIS,
                state,
                batch,
                labels[rows],
                jax.random.fold_in(dropout_key, number),
            )

        state, metrics = lax.scan(one_step, state, (jnp.arange(steps), mine))
        return state, lax.psum(jax.tree.map(jnp.sum, metrics), AXIS)

    def evaluate(params: Any, statistics: Any, chunks: tuple[jax.Array, ...]) -> Metrics:
        def one_chunk(chunk: tuple[jax.Array, ...]) -> Metrics:
            images, labels, weight = chunk
            logits = network.apply(variables(params, statistics), scale(images))
            correct = (logits.argmax(-1) == labels).astype(jnp.float32)
            return Metrics((weight * cross_entropy(logits, labels)).sum(), (weight * correct).sum())

        return lax.psum(jax.tree.map(jnp.sum, lax.map(one_chunk, chunks)), AXIS)

    began = time.perf_counter()
    with compilation.watched() as cache:
        arguments = (ranks, state, images, labels, jax.random.key(seed))
        train_program = kept(
            cache,
            lambda: jax.pmap(
                train_epoch,
                AXIS,
                in_axes=(0, None, None, None, None),
                out_axes=None,
                donate_argnums=1,
                devices=devices,
            ).lower(*arguments),
            devices,
            arguments,
            "train",
            network,
            config,
            (steps, per_device),
        )
        held = (state.params, state.statistics, held_out)
        evaluate_program = kept(
            cache,
            lambda: jax.pmap(
                evaluate, AXIS, in_axes=(None, None, 0), out_axes=None, devices=devices
            ).lower(*held),
            devices,
            held,
            "evaluate",
            network,
        )
    compile_s = time.perf_counter() - began

    return Engine(
        state=state,
        train=lambda state, key: train_program(ranks, state, images, labels, key),
        evaluate=lambda params, statistics: evaluate_program(params, statistics, held_out),
        images_per_epoch=steps * per_device * count,
        validation_images=len(validation),
        batch_size=per_device * count,
        compile_s=compile_s,
        compile_cached=cache.cached,
    )


def _chunks(split: Split, devices: int, chunk: int) -> tuple[npt.NDArray[Any], ...]:
    """Images, labels and weights as [device, chunk, image, ...].

    The last chunk is filled up with images of weight 0, so that none of the
    real ones is dropped.
    """
    size = min(chunk, -(-len(split) // devices))
    padding = -len(split) % (size * devices)
    shape = (devices, -1, size)
    images = np.pad(split.images, ((0, padding), (0, 0), (0, 0)))
    labels = np.pad(split.labels, (0, padding))
    weight = np.pad(np.ones(len(split), np.float32), (0, padding))
    return (
        images.reshape(*shape, *images.shape[1:]),
        labels.reshape(shape),
        weight.reshape(shape),
    )


def prediction_devices(devices: Sequence[jax.Device]) -> Sequence[jax.Device]:
    """Those of a process's devices that a `Predictor` serves fastest on.

    All accelerators, but one CPU device: XLA shares its work out among all threads as
    they come free, and answers without waiting for the slower half.
    """
    return devices[:1] if devices[0].platform == "cpu" else devices


class Predictor:
    """Class probabilities from fixed weights, on all of `devices`.

    A program is compiled for each new batch shape, outside any timing that
    calls it once beforehand.
    """

    def __init__(
        self, network: Network, params: Any, statistics: Any, devices: Sequence[jax.Device]
    ) -> None:
        self._count = len(devices)
        self._chunk = evaluation_chunk(network, devices)
        held = variables(params, statistics)
        everywhere = NamedSharding(Mesh(np.array(devices), (AXIS,)), PartitionSpec())
        self._everywhere = jax.device_put(held, everywhere)
        self._on_first = jax.device_put(held, devices[0])

        def forward(variables: Any, images: jax.Array) -> jax.Array:
            def one_chunk(part: jax.Array) -> jax.Array:
                return jax.nn.softmax(network.apply(variables, scale(part)))

            chunks = self._chunks(len(images))
            return lax.map(one_chunk, images.reshape(chunks, -1, *images.shape[1:]))

        self._shared = jax.pmap(forward, AXIS, in_axes=(None, 0), devices=devices)
        self._single = jax.jit(forward)

    def __call__(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """uint8 [n, 28, 28] -> float32 [n, 10], for any n."""
        n = len(images)
        # Too few to share out: one device answers faster.
        count = self._count if n >= self._count else 1
        each = -(-n // count)
        each += -each % self._chunks(each)
        padding = each * count - n
        padded = np.pad(images, ((0, padding), (0, 0), (0, 0))) if padding else images
        if count == 1:
            found = self._single(self._on_first, padded)
        else:
            shared = padded.reshape(count, each, *images.shape[1:])
            found = self._shared(self._everywhere, shared)
        return np.asarray(found).reshape(-1, found.shape[-1])[:n]

    def _chunks(self, images: int) -> int:
        return -(-images // self._chunk)
