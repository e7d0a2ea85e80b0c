"""Wide residual networks.

Zagoruyko and Komodakis: Wide Residual Networks, arXiv 1605.07146, 2016. On this dataset, after
its correction of August 2017, WRN-28-10 with random erasing was reproduced at 0.957 (last epoch,
github.com/zhunzhong07/Random-Erasing, issue 10).
"""

from functools import partial
from typing import Any

import flax.linen as nn
import jax
from pydantic import Field, PositiveInt

from fmnist_jax.data.dataset import CLASSES
from fmnist_jax.learner import LEARNERS
from fmnist_jax.models.accelerator.base import DeepConfig
from fmnist_jax.models.base import ConvNetwork
from fmnist_jax.models.blocks import BATCH_NORM_MOMENTUM
from fmnist_jax.nn.batch_norm import BatchNorm
from fmnist_jax.nn.conv import Conv


class WideBlock(nn.Module):
    """BN-relu-conv-BN-relu-dropout-conv plus a shortcut, projected where shapes differ."""

    width: int
    stride: int
    dropout: float = 0.0
    axis_name: str | None = None
    dtype: Any = None

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = False) -> jax.Array:
        """[b, h, w, c] -> [b, h / stride, w / stride, width]."""
        conv = partial(Conv, self.width, use_bias=False, dtype=self.dtype)
        norm = partial(BatchNorm, BATCH_NORM_MOMENTUM, axis_name=self.axis_name, dtype=self.dtype)
        active = nn.relu(norm()(x, train=train))
        y = conv(strides=self.stride)(active)
        y = nn.relu(norm()(y, train=train))
        y = nn.Dropout(self.dropout)(y, deterministic=not train)
        y = conv()(y)
        shortcut = x if x.shape == y.shape else conv(kernel_size=1, strides=self.stride)(active)
        return shortcut + y


class WideResNet(ConvNetwork):
    """Conv16, three groups of wide blocks, BN-relu, global average, Dense.

    Feature maps are 28, 14 and 7 pixels wide.
    """

    blocks_per_group: int = 4
    widen: int = 10
    dropout: float = 0.0
    axis_name: str | None = None
    dtype: Any = None

    def setup(self) -> None:
        """Name the layers, so that `features` and `head` can share them."""
        self.stem = Conv(16, use_bias=False, dtype=self.dtype)
        self.blocks = [
            WideBlock(
                16 * 2**group * self.widen,
                2 if group and not number else 1,
                self.dropout,
                self.axis_name,
                self.dtype,
            )
            for group in range(3)
            for number in range(self.blocks_per_group)
        ]
        self.norm = BatchNorm(BATCH_NORM_MOMENTUM, axis_name=self.axis_name, dtype=self.dtype)
        self.classifier = nn.Dense(CLASSES)

    def features(self, images: jax.Array, train: bool = False) -> jax.Array:
        """[b, 28, 28, 1] -> [b, 7, 7, 64 widen]."""
        x = self.stem(images)
        for block in self.blocks:
            x = block(x, train)
        return nn.relu(self.norm(x, train=train))

    def head(self, features: jax.Array, train: bool = False) -> jax.Array:
        """[b, h, w, c] -> float32 logits [b, 10]."""
        return self.classifier(features.mean((1, 2)).astype("float32"))


@LEARNERS.register("wide_resnet")
class WideResNetConfig(DeepConfig):
    """Wide residual network, WRN-28-10: 36.5 million parameters."""

    epochs: PositiveInt = 200
    blocks: PositiveInt = Field(4, description="of each of the three groups; 4 is depth 28")
    widen: PositiveInt = 10
    dropout: float = Field(0.0, ge=0, lt=1, description="between the convolutions of a block")

    def network(self, dtype: str) -> WideResNet:
        """Return the module."""
        return WideResNet(self.blocks, self.widen, self.dropout, self.batch_norm_axis, dtype)
