"""The small residual network of the reference notebooks.

Measured, n = 3: test accuracy 0.9322, trained in 153 s
on intel-icelake-2c (results/README.md).
"""

from typing import Any, ClassVar

import flax.linen as nn
import jax
from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from fmnist_jax.data.augment import Augment
from fmnist_jax.data.dataset import CLASSES
from fmnist_jax.learner import LEARNERS
from fmnist_jax.models.base import ConvNetwork
from fmnist_jax.models.blocks import BatchNormConfig, ResidualBlock
from fmnist_jax.nn.conv_pool import ConvPool
from fmnist_jax.nn.pool import max_pool
from fmnist_jax.training.config import Optimizer


class ResNet(ConvNetwork):
    """Conv -> pool -> block -> pool -> block -> global average -> Dense.

    Feature maps are 28, 14 and 7 pixels wide. At width 32 it has 38,154
    parameters counting running statistics, 37,898 of them trainable.
    """

    width: int = 32
    axis_name: str | None = None
    dtype: Any = None

    def setup(self) -> None:
        """Name the layers, so that `features` and `head` can share them."""
        self.stem = ConvPool(self.width, dtype=self.dtype)
        self.block1 = ResidualBlock(self.width, self.axis_name, self.dtype)
        self.block2 = ResidualBlock(self.width, self.axis_name, self.dtype)
        self.classifier = nn.Dense(CLASSES)

    def features(self, images: jax.Array, train: bool = False) -> jax.Array:
        """[b, 28, 28, 1] -> [b, 7, 7, width]."""
        x = max_pool(self.block1(self.stem(images), train))
        return self.block2(x, train)

    def head(self, features: jax.Array, train: bool = False) -> jax.Array:
        """[b, 7, 7, width] -> float32 logits [b, 10]."""
        return self.classifier(features.mean((1, 2)).astype("float32"))


@LEARNERS.register("resnet")
class ResNetConfig(BatchNormConfig):
    """Residual network of 38,154 parameters: two identity blocks of width 32, BatchNorm."""

    expected_core_seconds: ClassVar[float] = 450.0

    epochs: PositiveInt = 16
    optimizer: Optimizer = "muon"
    learning_rate: PositiveFloat = 0.015
    weight_decay: NonNegativeFloat = 0.01
    label_smoothing: float = Field(0.1, ge=0, lt=1)
    augment: Augment = Augment(alternate=True, shift=1)
    width: PositiveInt = 32

    def network(self, dtype: str) -> ResNet:
        """The module."""
        return ResNet(width=self.width, axis_name=self.batch_norm_axis, dtype=dtype)
