"""The blocks that several architectures share, and the option of those with BatchNorm."""

from typing import Any

import flax.linen as nn
import jax
from pydantic import Field

from fmnist_jax.nn.batch_norm import BatchNorm
from fmnist_jax.nn.conv import Conv
from fmnist_jax.training.learner import FlaxConfig
from fmnist_jax.training.program.epoch import AXIS

# The running average must keep up with a high learning rate: at flax's default of
# 0.99 the evaluated network lags the trained one by epochs.
BATCH_NORM_MOMENTUM = 0.9


class ResidualBlock(nn.Module):
    """conv-BN-relu-conv-BN, plus the input, relu (He et al. 2015, arXiv 1512.03385).

    The shortcut is the identity, so the input must already have `width` channels.
    `axis_name` names the device axis over which batch statistics are averaged.
    """

    width: int
    axis_name: str | None = None
    dtype: Any = None

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = False) -> jax.Array:
        """[b, h, w, width] -> [b, h, w, width]."""
        y = nn.relu(self._conv_norm(x, train, 1))
        return nn.relu(x + self._conv_norm(y, train, 2))

    def _conv_norm(self, x: jax.Array, train: bool, number: int) -> jax.Array:
        conv = Conv(self.width, add_bias=False, dtype=self.dtype, name=f"conv{number}")
        norm = BatchNorm(
            momentum=BATCH_NORM_MOMENTUM,
            axis_name=self.axis_name,
            dtype=self.dtype,
            name=f"norm{number}",
        )
        y = conv(x)
        return norm(y, conv.variables["params"]["bias"], train=train)


class BatchNormConfig(FlaxConfig):
    """A network with BatchNorm, whose batch is divided over devices in training."""

    sync_batch_norm: bool = Field(
        True,
        exclude_if=bool,
        description="normalise by statistics over all devices, not by each device's own",
    )

    @property
    def batch_norm_axis(self) -> str | None:
        """The device axis over which batch statistics are averaged; None: each device's own."""
        return AXIS if self.sync_batch_norm else None
