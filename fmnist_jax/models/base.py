"""The base of networks with convolutions."""

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

import flax.linen as nn
import jax


class ConvNetwork(nn.Module):
    """A network divided at its last feature map.

    An explanation needs the feature map and the gradient of the head with respect to it.
    A network without convolutions is any other `flax.linen.Module`, see
    `fmnist_jax.nn.network.Network`.
    """

    if TYPE_CHECKING:  # flax declares a result that depends on an argument's value

        def apply(self, *args: Any, **kwargs: Any) -> Any:
            """See flax.linen.Module.apply."""

    @abstractmethod
    def features(self, images: jax.Array, train: bool = False) -> jax.Array:
        """Map [b, 28, 28, 1] in [0, 1] to the last feature map [b, h, w, c]."""

    @abstractmethod
    def head(self, features: jax.Array, train: bool = False) -> jax.Array:
        """Map the last feature map to float32 logits [b, 10]."""

    def __call__(self, images: jax.Array, train: bool = False) -> jax.Array:
        """Map [b, 28, 28, 1] in [0, 1] to float32 logits [b, 10]."""
        return self.head(self.features(images, train), train)
