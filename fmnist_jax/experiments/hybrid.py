"""The CNN with its last layer replaced by a classical classifier."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar, Literal

import jax
import numpy as np
import numpy.typing as npt
from pydantic import PositiveFloat

from fmnist_jax.baselines.base import class_probabilities, decision_values, fit_temperature
from fmnist_jax.baselines.logistic_regression import LogisticRegressionConfig
from fmnist_jax.baselines.svm import SVMConfig
from fmnist_jax.data.dataset import Images
from fmnist_jax.history import Checkpoints, Epoch, ModelCost
from fmnist_jax.learner import LEARNERS, Learner, Probabilities
from fmnist_jax.models.cnn import CNNConfig
from fmnist_jax.system.cpu import available_cores
from fmnist_jax.training.learner import FlaxLearner
from fmnist_jax.training.program.step import scale

BATCH = 1000


@LEARNERS.register("hybrid")
class HybridConfig(CNNConfig):
    """The trained CNN's 128 hidden units into a support vector machine or logistic regression."""

    expected_core_seconds: ClassVar[float] = 500.0
    robustness_images: ClassVar[int] = 200

    classifier: Literal["svm", "logistic_regression"] = "svm"
    C: PositiveFloat = 1.0

    def build(self, seed: int) -> Learner:
        """Return a learner that fits the classifier once the network is trained."""
        return HybridLearner(self, seed)


class HybridLearner(FlaxLearner):
    """Trains the network as it is, then a classifier on what its hidden layer says.

    The network is not augmented or dropped out for the classifier's own training set.
    """

    def __init__(self, config: HybridConfig, seed: int) -> None:
        super().__init__(config, seed)
        self._family = (
            SVMConfig(C=config.C, gamma="scale")
            if config.classifier == "svm"
            else LogisticRegressionConfig(C=config.C)
        )
        self._classifier: Any = self._family.estimator(seed, len(available_cores()))
        self._temperature: float | None = None
        network = self.network
        self._embed = jax.jit(
            lambda variables, images: network.apply(variables, scale(images), method="embed")
        )

    def fit(
        self, on_epoch: Callable[[Epoch], None], checkpoints: Checkpoints | None = None
    ) -> tuple[Epoch, ...]:
        """Train the network, then fit the classifier; the history is the network's."""
        assert self._splits is not None, "fit needs prepare first"
        train, validation = self._splits
        history = super().fit(on_epoch, checkpoints)
        self._classifier.fit(self.embed(train.images), train.labels)
        if not hasattr(self._classifier, "predict_proba"):
            scores = decision_values(self._classifier, self.embed(validation.images))
            self._temperature = fit_temperature(scores, validation.labels)
        return history

    def embed(self, images: Images) -> npt.NDArray[np.float32]:
        """Return the hidden layer's values, float32 [n, 128], of uint8 [n, 28, 28]."""
        parts = []
        for at in range(0, len(images), BATCH):
            part = images[at : at + BATCH]
            whole = np.pad(part, ((0, min(BATCH, len(images)) - len(part)), (0, 0), (0, 0)))
            parts.append(np.asarray(self._embed(self.variables, whole))[: len(part)])
        return np.concatenate(parts)

    def predict_proba(self, images: Images) -> Probabilities:
        """Return the classifier's probabilities, float32 [n, 10], of uint8 [n, 28, 28]."""
        return class_probabilities(self._classifier, self.embed(images), self._temperature)

    def cost(self) -> ModelCost:
        """Return the network's cost, with the classifier's parameters."""
        cost = super().cost()
        own = self._family.parameters(self._classifier) or 0
        return replace(
            cost,
            parameters=(cost.parameters or 0) + own,
            trainable_parameters=(cost.trainable_parameters or 0) + own,
            model_bytes=cost.model_bytes + 4 * own,
        )
