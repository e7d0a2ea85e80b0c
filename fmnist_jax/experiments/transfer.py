"""The CNN on features that it has learned from handwritten digits."""

from typing import ClassVar, Literal

import jax
import numpy as np
from pydantic import PositiveInt

from fmnist_jax.data.dataset import Split
from fmnist_jax.data.load import load_mnist_training
from fmnist_jax.learner import LEARNERS
from fmnist_jax.models.cnn import NORMS, CNNConfig
from fmnist_jax.training.learner import FlaxLearner
from fmnist_jax.training.state import Weights

CONVOLUTIONS = ("conv1", "conv2", "conv3", NORMS["conv2"], NORMS["conv3"])
HELD_OUT = 5_000  # of MNIST's training images


@LEARNERS.register("transfer")
class TransferConfig(CNNConfig):
    """The CNN with convolutions learned on MNIST, which then stay, are tuned, or are forgotten."""

    expected_core_seconds: ClassVar[float] = 600.0

    mode: Literal["frozen", "finetune", "scratch"] = "finetune"
    mnist_epochs: PositiveInt = 5

    def frozen_layers(self) -> tuple[str, ...]:
        """Return the convolutions where they are to stay as they are."""
        return CONVOLUTIONS if self.mode == "frozen" else ()

    def initial_weights(self, weights: Weights, train: Split, seed: int) -> Weights:
        """Replace the convolutions by those of the same network trained on MNIST.

        That training is part of the preparation: only the record's `total_s` includes it.

        Raises:
            DataError: MNIST's training set cannot be had.
        """
        if self.mode == "scratch":
            return weights
        digits = load_mnist_training()
        given = {name: getattr(self, name) for name in CNNConfig.model_fields}
        teacher = FlaxLearner(CNNConfig(**given | {"epochs": self.mnist_epochs}), seed)
        size = max(1, min(HELD_OUT, len(digits) // 10))
        teacher.prepare(
            Split(digits.images[size:], digits.labels[size:]),
            Split(digits.images[:size], digits.labels[:size]),
        )
        teacher.fit(lambda _: None)
        assert teacher.trained is not None
        learned = {
            name: layer for name, layer in teacher.trained[0].items() if name in CONVOLUTIONS
        }
        params, batch_stats = weights
        return {**params, **jax.tree.map(np.asarray, learned)}, batch_stats
