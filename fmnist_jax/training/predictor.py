"""Predict class probabilities from fixed weights."""

from collections.abc import Sequence

import jax
import numpy as np
import numpy.typing as npt
from jax import lax
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from fmnist_jax.nn.network import Network
from fmnist_jax.training.program.batch_size import evaluation_chunk
from fmnist_jax.training.program.step import scale
from fmnist_jax.training.state import BatchStats, Params, variables

AXIS = "device"


def prediction_devices(devices: Sequence[jax.Device]) -> Sequence[jax.Device]:
    """Return those of a process's devices on which a `Predictor` is fastest.

    That is all accelerators, but one CPU device: XLA divides its work among all threads as
    they become free, and does not wait for the slower of two halves.
    """
    return devices[:1] if devices[0].platform == "cpu" else devices


class Predictor:
    """Class probabilities from fixed weights, on all of `devices`.

    Compiles a program for each new batch size; call it once before timing it.
    """

    def __init__(
        self,
        network: Network,
        params: Params,
        batch_stats: BatchStats,
        devices: Sequence[jax.Device],
    ) -> None:
        self._count = len(devices)
        self._chunk = evaluation_chunk(network, devices)
        weights = variables(params, batch_stats)
        replicated = NamedSharding(Mesh(np.array(devices), (AXIS,)), PartitionSpec())
        self._on_all = jax.device_put(weights, replicated)
        self._on_first = jax.device_put(weights, devices[0])

        def forward(weights: dict[str, Params], images: jax.Array) -> jax.Array:
            def one_chunk(part: jax.Array) -> jax.Array:
                return jax.nn.softmax(network.apply(weights, scale(part)))

            chunks = self._chunks(len(images))
            return lax.map(one_chunk, images.reshape(chunks, -1, *images.shape[1:]))

        self._forward_on_all = jax.pmap(forward, AXIS, in_axes=(None, 0), devices=devices)
        self._forward_on_first = jax.jit(forward)

    def __call__(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Map uint8 [n, 28, 28] to float32 [n, 10], for any n."""
        n = len(images)
        # One device answers faster when there are too few images to divide.
        count = self._count if n >= self._count else 1
        per_device = -(-n // count)
        per_device += -per_device % self._chunks(per_device)
        padding = per_device * count - n
        padded = np.pad(images, ((0, padding), (0, 0), (0, 0))) if padding else images
        if count == 1:
            probabilities = self._forward_on_first(self._on_first, padded)
        else:
            shards = padded.reshape(count, per_device, *images.shape[1:])
            probabilities = self._forward_on_all(self._on_all, shards)
        return np.asarray(probabilities).reshape(-1, probabilities.shape[-1])[:n]

    def _chunks(self, images: int) -> int:
        return -(-images // self._chunk)
