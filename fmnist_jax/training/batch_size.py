"""How many images a device takes at once, from its memory and what one image needs."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp

from fmnist_jax.models.base import Network
from fmnist_jax.training.cost import forward_cost

CPU_CHUNK = 1000  # of all devices of a processor together, whose caches they share
CPU_BATCH = 64
LARGEST = 4096  # more fills no accelerator better
LEAST_STEPS = 16  # of an epoch: fewer teach too little
# What training holds of an image, as a multiple of what its forward pass reads and
# writes: every result, its gradient, and room for what the compiler adds.
HELD = 3
SHARE = 0.5  # of the memory, since the dataset and the weights are there, too


def evaluation_chunk(network: Network, devices: Sequence[jax.Device]) -> int:
    """Images of one evaluation pass on each device: large enough to fill an accelerator."""
    if devices[0].platform == "cpu":
        return max(1, CPU_CHUNK // len(devices))
    return _fitting(network, devices[0])


def automatic_batch(network: Network, device: jax.Device, images: int) -> int:
    """Images of one training step on a device that has `images` of an epoch."""
    if device.platform == "cpu":
        return CPU_BATCH
    most = max(1, images // LEAST_STEPS)
    return min(_fitting(network, device), 1 << (most.bit_length() - 1))


def _fitting(network: Network, device: jax.Device) -> int:
    """The largest power of two that fits into the device's memory."""
    memory = (device.memory_stats() or {}).get("bytes_limit")
    if memory is None:  # a device that does not tell
        return 1024
    shapes = jax.eval_shape(network.init, jax.random.key(0), jnp.zeros((1, 28, 28, 1)))
    fitting = int(SHARE * memory / (HELD * forward_cost(network, shapes).bytes))
    return min(LARGEST, 1 << max(0, fitting.bit_length() - 1))
