"""Batches from memory, with devices that only say how much they have."""

from dataclasses import dataclass

import jax
import pytest

from fmnist_jax.models.dense import DenseConfig
from fmnist_jax.models.resnet import ResNet, ResNetConfig
from fmnist_jax.training.program.batch_size import (
    CPU_CHUNK,
    MAX_IMAGES,
    automatic_batch,
    evaluation_chunk,
)


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


ANY = ResNetConfig()


def automatic(devices, images, config=ANY):
    return automatic_batch(ResNet(), config, images, devices)


def test_an_epoch_keeps_steps_enough_to_learn_from():
    assert automatic([Device(int(80e9))], 55_000) == 2048
    assert automatic([Device(int(80e9))] * 2, 27_500) == 2 * 1024
    assert automatic([Device(int(80e9))], 10) == 1


def test_a_processor_takes_the_batch_that_the_rate_is_meant_for():
    for devices in (jax.devices()[:1], jax.devices()[:2]):
        assert automatic(devices, 1_000) == ResNetConfig.base_batch_size
    assert automatic(jax.devices()[:1], 1_000, DenseConfig()) == DenseConfig.base_batch_size
