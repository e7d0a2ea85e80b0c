"""ResNet-18 and ResNet-34 with a stem for small images.

He, Zhang, Ren, Sun: Deep Residual Learning for Image Recognition, arXiv 1512.03385, 2015;
without the stem's stride and pooling, which leave little of 28 pixels.
"""

from functools import partial
from typing import Any

import flax.linen as nn
import jax
from pydantic import PositiveInt

from fmnist_jax.data.dataset import CLASSES
from fmnist_jax.learner import LEARNERS
from fmnist_jax.models.accelerator.base import DeepConfig
from fmnist_jax.models.base import ConvNetwork
from fmnist_jax.models.blocks import BATCH_NORM_MOMENTUM
from fmnist_jax.nn.batch_norm import BatchNorm
from fmnist_jax.nn.conv import Conv


class BasicBlock(nn.Module):
    """conv-BN-relu-conv-BN plus a shortcut, relu; the shortcut is projected where shapes differ."""

    width: int
    stride: int
    axis_name: str | None = None
    dtype: Any = None

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = False) -> jax.Array:
        """[b, h, w, c] -> [b, h / stride, w / stride, width]."""
        conv = partial(Conv, self.width, use_bias=False, dtype=self.dtype)
        norm = partial(BatchNorm, BATCH_NORM_MOMENTUM, axis_name=self.axis_name, dtype=self.dtype)
        y = nn.relu(norm()(conv(strides=self.stride)(x), train=train))
        y = norm()(conv()(y), train=train)
        if x.shape != y.shape:
            x = norm()(conv(kernel_size=1, strides=self.stride)(x), train=train)
        return nn.relu(x + y)


class DeepResNet(ConvNetwork):
    """Stem, four stages of basic blocks of doubling width, global average, Dense.

    Feature maps are 28, 14, 7 and 4 pixels wide.
    """

    stages: tuple[int, ...] = (2, 2, 2, 2)
    width: int = 64
    axis_name: str | None = None
    dtype: Any = None

    def setup(self) -> None:
        """Name the layers, so that `features` and `head` can share them."""
        self.stem = Conv(self.width, use_bias=False, dtype=self.dtype)
        self.stem_norm = BatchNorm(BATCH_NORM_MOMENTUM, axis_name=self.axis_name, dtype=self.dtype)
        self.blocks = [
            BasicBlock(
                self.width * 2**stage,
                2 if stage and not number else 1,
                self.axis_name,
                self.dtype,
            )
            for stage, count in enumerate(self.stages)
            for number in range(count)
        ]
        self.classifier = nn.Dense(CLASSES)

    def features(self, images: jax.Array, train: bool = False) -> jax.Array:
        """[b, 28, 28, 1] -> [b, 4, 4, 8 width]."""
        x = nn.relu(self.stem_norm(self.stem(images), train=train))
        for block in self.blocks:
            x = block(x, train)
        return x

    def head(self, features: jax.Array, train: bool = False) -> jax.Array:
        """[b, h, w, c] -> float32 logits [b, 10]."""
        return self.classifier(features.mean((1, 2)).astype("float32"))


@LEARNERS.register("resnet18")
class ResNet18Config(DeepConfig):
    """ResNet-18 for small images, 11.2 million parameters."""

    stages: tuple[PositiveInt, ...] = (2, 2, 2, 2)
    width: PositiveInt = 64

    def network(self, dtype: str) -> DeepResNet:
        """Return the module."""
        return DeepResNet(self.stages, self.width, self.batch_norm_axis, dtype)


@LEARNERS.register("resnet34")
class ResNet34Config(ResNet18Config):
    """ResNet-34 for small images, 21.3 million parameters."""

    stages: tuple[PositiveInt, ...] = (3, 4, 6, 3)
