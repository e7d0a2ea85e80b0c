"""The plain convolutional network of the reference notebooks.

Measured, n = 3: test accuracy 0.9327, trained in 136 s
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
from fmnist_jax.models.blocks import BATCH_NORM_MOMENTUM, BatchNormConfig
from fmnist_jax.nn.batch_norm import BatchNorm, fold
from fmnist_jax.nn.conv import Conv
from fmnist_jax.nn.conv_pool import ConvPool
from fmnist_jax.nn.pool import max_pool
from fmnist_jax.training.config import Optimizer
from fmnist_jax.training.state import Weights

# What normalises each layer, as flax names the members of `CNN.norms`.
NORMS = {layer: f"norms_{layer}" for layer in ("conv2", "conv3", "hidden")}


class CNN(ConvNetwork):
    """Conv32 -> pool -> Conv64 -> pool -> Conv128 -> Dense128 -> Dense10, valid padding.

    Feature maps are 26, 13, 11, 5 and 3 pixels wide; 241,546 parameters.

    With `batch_norm` all layers between the first and the last are normalised, without a
    learned scale, so that a shift takes the place of each bias; `fold` then gives the weights of
    the plain network.
    """

    dropout: float = 0.0
    batch_norm: bool = False
    axis_name: str | None = None
    dtype: Any = None

    def setup(self) -> None:
        """Name the layers, so that `features` and `head` can share them."""
        use_bias = not self.batch_norm
        self.conv1 = ConvPool(32, padding="VALID", dtype=self.dtype)
        self.conv2 = Conv(64, padding="VALID", use_bias=use_bias, dtype=self.dtype)
        self.conv3 = Conv(128, padding="VALID", use_bias=use_bias, dtype=self.dtype)
        self.hidden = nn.Dense(128, use_bias=use_bias, dtype=self.dtype)
        if self.batch_norm:
            self.norms = {
                layer: BatchNorm(
                    BATCH_NORM_MOMENTUM,
                    use_scale=False,
                    axis_name=self.axis_name,
                    dtype=self.dtype,
                )
                for layer in NORMS
            }
        self.drop = nn.Dropout(self.dropout)
        self.classifier = nn.Dense(CLASSES)

    def features(self, images: jax.Array, train: bool = False) -> jax.Array:
        """[b, 28, 28, 1] -> [b, 3, 3, 128], before its relu.

        Trained with smoothed labels, the network tells a class by what an image lacks: of its
        rectified features hardly any speaks for the class, and Grad-CAM of them is empty.
        """
        if train:
            # The second pooling drops a row and a column of its 11x11 pixels, and so the image's
            # last two are never seen: the same result with an eighth less work.
            images = images[:, :26, :26]
        # Pooled before it is normalised, which leaves the maxima where they are.
        x = nn.relu(self._norm("conv2", max_pool(self.conv2(self.conv1(images))), train))
        return self._norm("conv3", self.conv3(x), train)

    def head(self, features: jax.Array, train: bool = False) -> jax.Array:
        """[b, 3, 3, 128] -> float32 logits [b, 10]."""
        x = self.drop(self._units(features, train), deterministic=not train)
        return self.classifier(x.astype("float32"))

    def embed(self, images: jax.Array) -> jax.Array:
        """[b, 28, 28, 1] -> the hidden units [b, 128]."""
        return self._units(self.features(images))

    def _units(self, features: jax.Array, train: bool = False) -> jax.Array:
        x = nn.relu(features).reshape(features.shape[0], -1)
        return nn.relu(self._norm("hidden", self.hidden(x), train))

    def _norm(self, layer: str, x: jax.Array, train: bool) -> jax.Array:
        """What `layer` gave, normalised if that is wanted."""
        return self.norms[layer](x, train=train) if self.batch_norm else x


@LEARNERS.register("cnn")
class CNNConfig(BatchNormConfig):
    """Convolutional network of 241,546 parameters: three valid convolutions, two dense layers."""

    expected_core_seconds: ClassVar[float] = 250.0

    epochs: PositiveInt = 16
    optimizer: Optimizer = "muon"
    learning_rate: PositiveFloat = 0.01
    weight_decay: NonNegativeFloat = 0.05
    label_smoothing: float = Field(0.1, ge=0, lt=1)
    augment: Augment = Augment(alternate=True, shift=1)
    dropout: float = Field(0.1, ge=0, lt=1, description="before the last layer")
    batch_norm: bool = Field(
        True,
        exclude_if=lambda on: not on,
        description="normalise in training; the trained network has it in its weights",
    )

    def network(self, dtype: str) -> CNN:
        """The module."""
        return CNN(dropout=self.dropout, dtype=dtype)

    def training_network(self, dtype: str) -> CNN:
        """The module with BatchNorm, if wanted."""
        if not self.batch_norm:
            return self.network(dtype)
        return CNN(self.dropout, batch_norm=True, axis_name=self.batch_norm_axis, dtype=dtype)

    def inference_weights(self, weights: Weights) -> Weights:
        """Fold BatchNorm into the layers, as Ding et al. 2021 (RepVGG, arXiv 2101.03697)."""
        return (fold(*weights, NORMS), {}) if self.batch_norm else weights
