"""Batches from memory, with devices that only say how much they have."""

from dataclasses import dataclass

import jax
import pytest

from fmnist_jax.models.resnet import ResNet
from fmnist_jax.training.batch_size import CPU_CHUNK, MAX_IMAGES, automatic_batch, evaluation_chunk


@dataclass
class Device:
    memory: int | None
    platform: str = "gpu"

    def memory_stats(self):
        return None if self.memory is None else {"bytes_limit": self.memory}


def test_the_devices_of_a_processor_share_its_caches():
    assert evaluation_chunk(ResNet(), jax.devices()[:2]) == CPU_CHUNK // 2


@pytest.mark.parametrize("gigabytes", [0.02, 0.1, 0.5])
def test_twice_the_memory_takes_twice_the_images(gigabytes):
    network = ResNet(width=64)
    small, large = (Device(int(factor * gigabytes * 1e9)) for factor in (1, 2))
    assert evaluation_chunk(network, [large]) == 2 * evaluation_chunk(network, [small]) > 1
    wide = ResNet(width=128)  # needs twice as much
    assert evaluation_chunk(wide, [large]) == evaluation_chunk(network, [small])


def test_there_is_enough_and_too_little():
    assert evaluation_chunk(ResNet(), [Device(int(80e9))]) == MAX_IMAGES
    assert evaluation_chunk(ResNet(), [Device(1)]) == 1
    assert evaluation_chunk(ResNet(), [Device(None)]) > 1


def test_an_epoch_keeps_steps_enough_to_learn_from():
    assert automatic_batch(ResNet(), Device(int(80e9)), images=55_000) == 2048
    assert automatic_batch(ResNet(), Device(int(80e9)), images=10) == 1
