"""The two networks in Keras, as the reference notebooks train them."""

import os
from typing import ClassVar

from fmnist_jax.baselines.reference.base import ReferenceConfig
from fmnist_jax.learner import LEARNERS, Kind, Learner


class KerasConfig(ReferenceConfig):
    """A network in Keras on TensorFlow."""

    kind: ClassVar[Kind] = "keras"
    packages: ClassVar[tuple[str, ...]] = ("keras", "tensorflow")
    network: ClassVar[str]

    def build(self, seed: int) -> Learner:
        """Return a learner that calls `fit` and `predict`, as the notebooks do."""
        self.check_installed()
        os.environ["KERAS_BACKEND"] = "tensorflow"  # read when Keras is imported
        os.environ["TF_FORCE_GPU_ALLOW_GROWTH"] = "true"  # leaves JAX its share of the memory
        from fmnist_jax.baselines.reference.keras_learner import KerasLearner

        return KerasLearner(self.network, self, seed)


@LEARNERS.register("keras_resnet")
class KerasResNetConfig(KerasConfig):
    """The residual network of 38,154 parameters in Keras, by the notebooks' recipe."""

    network: ClassVar[str] = "resnet"


@LEARNERS.register("keras_cnn")
class KerasCNNConfig(KerasConfig):
    """The convolutional network of 241,546 parameters in Keras, by the notebooks' recipe."""

    network: ClassVar[str] = "cnn"
