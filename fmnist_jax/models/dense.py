"""A dense network on the pixels, or on their principal components.

Measured, n = 1: test accuracy 0.9002, trained in 57 s
on intel-icelake-2c (results/README.md).
"""

from typing import Any, ClassVar

import flax.linen as nn
import jax
import numpy as np
from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from fmnist_jax.data.dataset import CLASSES, SIDE, Split
from fmnist_jax.learner import LEARNERS
from fmnist_jax.training.learner import FlaxConfig
from fmnist_jax.training.state import Weights


class Dense(nn.Module):
    """Dense layers with relu and dropout, on pixels or on their projections.

    With `components`, the mean image and the axes are constants among the running
    statistics, zero until `DenseConfig.initial_weights` sets them.
    """

    hidden: tuple[int, ...]
    components: int | None = None
    dropout: float = 0.0
    dtype: Any = None

    @nn.compact
    def __call__(self, images: jax.Array, train: bool = False) -> jax.Array:
        """Map [b, 28, 28, 1] in [0, 1] to float32 logits [b, 10]."""
        x = images.reshape(len(images), -1)
        if self.components:
            shape = (x.shape[1], self.components)
            mean = self.variable("batch_stats", "mean", jax.numpy.zeros, x.shape[1])
            axes = self.variable("batch_stats", "axes", jax.numpy.zeros, shape)
            x = (x - mean.value) @ axes.value
        for width in self.hidden:
            x = nn.relu(nn.Dense(width, dtype=self.dtype)(x))
            x = nn.Dropout(self.dropout)(x, deterministic=not train)
        return nn.Dense(CLASSES)(x.astype("float32"))


@LEARNERS.register("dense")
class DenseConfig(FlaxConfig):
    """Dense network, two hidden layers of 512 and 256 on raw pixels."""

    expected_core_seconds: ClassVar[float] = 150.0
    base_batch_size: ClassVar[int] = 256

    epochs: PositiveInt = 60
    learning_rate: PositiveFloat = 0.002
    weight_decay: NonNegativeFloat = 0.01
    label_smoothing: float = Field(0.1, ge=0, lt=1)
    average_decay: float = Field(0.999, ge=0, lt=1)
    hidden: tuple[PositiveInt, ...] = (512, 256)
    components: PositiveInt | None = Field(
        None, le=SIDE**2, description="principal components of the training images; None: pixels"
    )
    dropout: float = Field(0.25, ge=0, lt=1, description="after each hidden layer")

    def network(self, dtype: str) -> Dense:
        """Return the module."""
        return Dense(self.hidden, self.components, self.dropout, dtype)

    def initial_weights(self, weights: Weights, train: Split, seed: int) -> Weights:
        """Set the projection, if there is one: the components of the training images, whitened."""
        if self.components is None:
            return weights
        from sklearn.decomposition import PCA

        pixels = train.images.reshape(len(train), -1).astype(np.float32) / np.float32(255)
        pca = PCA(self.components, svd_solver="covariance_eigh").fit(pixels)
        axes = pca.components_.T / np.sqrt(pca.explained_variance_ + 1e-6)
        return weights[0], {"mean": pca.mean_, "axes": axes.astype(np.float32)}
