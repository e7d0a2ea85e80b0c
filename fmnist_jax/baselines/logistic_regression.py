"""Multinomial logistic regression on raw pixels."""

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import PositiveFloat, PositiveInt

from fmnist_jax.baselines.base import BaselineConfig, estimator_class
from fmnist_jax.learner import LEARNERS

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator


@LEARNERS.register("logistic_regression")
class LogisticRegressionConfig(BaselineConfig):
    """Multinomial logistic regression, L2 penalty, L-BFGS."""

    core_seconds: ClassVar[float] = 15.0

    C: PositiveFloat = 0.1
    max_iter: PositiveInt = 100

    def estimator(self, seed: int, threads: int) -> "BaseEstimator":
        """The classifier; the solver is deterministic and takes its threads from BLAS."""
        return estimator_class("linear_model", "LogisticRegression")(
            C=self.C, max_iter=self.max_iter, random_state=seed
        )

    def parameters(self, fitted: Any) -> int:
        """Coefficients and intercepts."""
        return int(fitted.coef_.size + fitted.intercept_.size)
