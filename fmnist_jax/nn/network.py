"""What training and evaluation ask of a network."""

from typing import Any, Protocol


class Network(Protocol):
    """A Flax module that classifies images.

    Called as `network(images, train=False)`, with float32 images [b, 28, 28, 1] in
    [0, 1], it returns float32 logits [b, 10]. `train=True` switches on dropout and the
    statistics of the batch. Any `flax.linen.Module` with that signature is a network;
    one with convolutions can also be explained, see `fmnist_jax.models.base.ConvNetwork`.
    """

    def init(self, rngs: Any, *args: Any, **kwargs: Any) -> Any:
        """See `flax.linen.Module.init`."""
        ...

    def apply(self, variables: Any, *args: Any, **kwargs: Any) -> Any:
        """See `flax.linen.Module.apply`."""
        ...
