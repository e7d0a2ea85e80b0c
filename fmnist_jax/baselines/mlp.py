"""scikit-learn's multi-layer perceptron on raw pixels.

Measured, n = 1: test accuracy 0.8923, trained in 23 s (beside other work)
on intel-icelake-2c (results/README.md).
"""

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt

from fmnist_jax.baselines.base import BaselineConfig, estimator_class
from fmnist_jax.learner import LEARNERS

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator


@LEARNERS.register("mlp")
class MLPConfig(BaselineConfig):
    """scikit-learn's multi-layer perceptron, trained with Adam."""

    expected_core_seconds: ClassVar[float] = 30.0
    official_accuracy: ClassVar[float | None] = 0.871
    expected_warning: ClassVar[str | None] = "Stochastic Optimizer: Maximum iterations"

    hidden: tuple[PositiveInt, ...] = (256, 128)
    activation: Literal["relu", "tanh"] = "relu"
    alpha: NonNegativeFloat = 1e-4
    learning_rate: PositiveFloat = 1e-3
    batch_size: PositiveInt = 256
    max_iter: PositiveInt = 25

    def estimator(self, seed: int, threads: int) -> "BaseEstimator":
        """The classifier; its threads are those of BLAS."""
        return estimator_class("neural_network", "MLPClassifier")(
            hidden_layer_sizes=self.hidden,
            activation=self.activation,
            alpha=self.alpha,
            learning_rate_init=self.learning_rate,
            batch_size=self.batch_size,
            max_iter=self.max_iter,
            random_state=seed,
        )

    def parameters(self, fitted: Any) -> int:
        """Weights and biases of every layer."""
        return int(sum(array.size for array in (*fitted.coefs_, *fitted.intercepts_)))
