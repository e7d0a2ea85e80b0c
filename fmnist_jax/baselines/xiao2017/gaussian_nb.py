"""Gaussian naive Bayes on pixels."""

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import NonNegativeFloat

from fmnist_jax.baselines.base import BaselineConfig, estimator_class
from fmnist_jax.learner import LEARNERS

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator


@LEARNERS.register("gaussian_nb")
class GaussianNBConfig(BaselineConfig):
    """Gaussian naive Bayes: every pixel by itself, a mean and a variance per class.

    `priors` are the shares of the classes in order; None takes those of the training images.
    """

    expected_core_seconds: ClassVar[float] = 5.0
    official_accuracy: ClassVar[float | None] = 0.511

    priors: tuple[NonNegativeFloat, ...] | None = None

    def estimator(self, seed: int, threads: int) -> "BaseEstimator":
        """The classifier; nothing in it is random, and it has one thread."""
        return estimator_class("naive_bayes", "GaussianNB")(priors=self.priors)

    def parameters(self, fitted: Any) -> int:
        """Means, variances and priors."""
        return int(fitted.theta_.size + fitted.var_.size + fitted.class_prior_.size)
