"""Choose how many images a device takes at once, from its memory and the cost of one image."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from fmnist_jax.data.dataset import Split
from fmnist_jax.nn.network import Network
from fmnist_jax.training.config import TrainingConfig
from fmnist_jax.training.cost import forward_cost

CPU_CHUNK = 1000  # images on all devices of a processor together, which share its caches
MAX_IMAGES = 4096  # more images fill no accelerator better
MIN_STEPS_PER_EPOCH = 16
# Memory that training needs per image, as a multiple of what the forward pass reads and
# writes: every result, its gradient, and room for what the compiler adds.
TRAINING_FACTOR = 3
MEMORY_SHARE = 0.5  # the dataset and the weights need memory as well


class EpochShape(NamedTuple):
    """How an epoch is divided: `steps` of `per_device` images on each of `devices`."""

    steps: int
    devices: int
    per_device: int

    @property
    def batch_size(self) -> int:
        """Images of one step, over all devices."""
        return self.devices * self.per_device

    @property
    def images(self) -> int:
        """Images of one epoch."""
        return self.steps * self.batch_size


def epoch_shape(
    network: Network, config: TrainingConfig, images: int, devices: Sequence[jax.Device]
) -> EpochShape:
    """Divide an epoch of `images` into steps.

    The global batch is `config.batch_size`, or what `automatic_batch` chooses, rounded
    up to a multiple of the number of devices and never more than the training set. The
    images left over when it does not divide an epoch are others in every epoch, since
    each is shuffled anew.
    """
    count = len(devices)
    batch = config.batch_size
    if batch == "auto":
        batch = automatic_batch(network, config, images // count, devices)
    per_device = min(-(-batch // count), images // count)
    return EpochShape(images // (per_device * count), count, per_device)


def evaluation_chunk(network: Network, devices: Sequence[jax.Device]) -> int:
    """Return the images of one evaluation pass on each device."""
    if devices[0].platform == "cpu":
        return max(1, CPU_CHUNK // len(devices))
    return _max_images(network, devices[0])


def divide(split: Split, devices: int, chunk: int) -> tuple[npt.NDArray[Any], ...]:
    """Divide a split into images, labels and weights of shape [device, chunk, image, ...].

    Chunks are equal and of at most `chunk` images. The last one is filled up with images of
    weight 0, so that no image is dropped.
    """
    per_device = -(-len(split) // devices)
    size = -(-per_device // -(-per_device // chunk))
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


def automatic_batch(
    network: Network, config: TrainingConfig, images: int, devices: Sequence[jax.Device]
) -> int:
    """Return the images of one training step over all devices, which have `images` each.

    On a CPU what the model's learning rate is meant for; elsewhere what memory allows, as long
    as an epoch keeps `MIN_STEPS_PER_EPOCH` steps.
    """
    if devices[0].platform == "cpu":
        return config.base_batch_size
    limit = max(1, images // MIN_STEPS_PER_EPOCH)
    return len(devices) * min(_max_images(network, devices[0]), 1 << (limit.bit_length() - 1))


def _max_images(network: Network, device: jax.Device) -> int:
    """Return the largest power of two of images that fits into the device's memory."""
    memory = (device.memory_stats() or {}).get("bytes_limit")
    if memory is None:  # the device does not report it
        return 1024
    shapes = jax.eval_shape(network.init, jax.random.key(0), jnp.zeros((1, 28, 28, 1)))
    fitting = int(MEMORY_SHARE * memory / (TRAINING_FACTOR * forward_cost(network, shapes).bytes))
    return min(MAX_IMAGES, 1 << max(0, fitting.bit_length() - 1))
