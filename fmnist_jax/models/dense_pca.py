"""The dense network on principal components of the pixels."""

from pydantic import Field, PositiveInt

from fmnist_jax.learner import LEARNERS
from fmnist_jax.models.dense import DenseConfig


@LEARNERS.register("dense_pca")
class DensePCAConfig(DenseConfig):
    """Dense network on 100 principal components of the training images."""

    components: PositiveInt | None = Field(100, description="of the training images")
