"""What the architectures share: a network in two halves, and the residual block."""

from typing import TYPE_CHECKING, Any

import flax.linen as nn
import jax

from fmnist_jax.nn.batch_norm import BatchNorm
from fmnist_jax.nn.conv import Conv

# The running average must keep up with a high learning rate: at flax's default of
# 0.99 the evaluated network lags the trained one by epochs.
BATCH_NORM_MOMENTUM = 0.9


class Network(nn.Module):
    """A network cut in two at its last feature map.

    Everything with convolutions is written so, since an explanation needs the
    feature map and the gradient of the head with respect to it.
    """

    if TYPE_CHECKING:  # flax declares a result that depends on an argument's value

        def apply(self, *args: Any, **kwargs: Any) -> Any:
            """See flax.linen.Module.apply."""

    def features(self, images: jax.Array, train: bool = False) -> jax.Array:
        """[b, 28, 28, 1] in [0, 1] -> the last feature map [b, h, w, c]."""
        raise NotImplementedError(type(self).__name__)

    def head(self, features: jax.Array, train: bool = False) -> jax.Array:
        """The last feature map -> float32 logits [b, 10]."""
        raise NotImplementedError(type(self).__name__)

    def __call__(self, images: jax.Array, train: bool = False) -> jax.Array:
        """[b, 28, 28, 1] in [0, 1] -> float32 logits [b, 10]."""
        return self.head(self.features(images, train), train)


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
