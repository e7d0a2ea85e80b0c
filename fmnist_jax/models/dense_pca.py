"""The dense network on principal components of the pixels.

Measured, n = 1: test accuracy 0.9022, trained in 33 s
on intel-icelake-2c (results/README.md).
"""

from pydantic import Field, PositiveInt

from fmnist_jax.learner import LEARNERS
from fmnist_jax.models.dense import DenseConfig


@LEARNERS.register("dense_pca")
class DensePCAConfig(DenseConfig):
    """Dense network on 100 principal components of the training images."""

    components: PositiveInt | None = Field(100, description="of the training images")
