"""Gradient boosting that tries every threshold, as it was before histograms."""

from typing import TYPE_CHECKING, ClassVar

from pydantic import PositiveFloat, PositiveInt

from fmnist_jax.baselines.base import BaselineConfig, estimator_class
from fmnist_jax.learner import LEARNERS

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator


@LEARNERS.register("gradient_boosting")
class GradientBoostingConfig(BaselineConfig):
    """Gradient-boosted trees by exact splits: hours on all images, days if they are deep."""

    expected_core_seconds: ClassVar[float] = 20_000.0
    official_accuracy: ClassVar[float | None] = 0.880

    n_estimators: PositiveInt = 100
    max_depth: PositiveInt = 3
    learning_rate: PositiveFloat = 0.1

    def estimator(self, seed: int, threads: int) -> "BaseEstimator":
        """The classifier, which has one thread."""
        return estimator_class("ensemble", "GradientBoostingClassifier")(
            n_estimators=self.n_estimators,
            max_depth=self.max_depth,
            learning_rate=self.learning_rate,
            random_state=seed,
        )
