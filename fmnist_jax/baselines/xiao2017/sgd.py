"""Linear models learned from one image at a time."""

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt

from fmnist_jax.baselines.base import BaselineConfig, estimator_class, linear_parameters
from fmnist_jax.learner import LEARNERS

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator

Penalty = Literal["l1", "l2", "elasticnet"]


class OnlineConfig(BaselineConfig):
    """One class against the rest, as scikit-learn's SGD does it, one thread per class.

    Attributes:
        max_iter: epochs at most; they end when the loss falls no more.
    """

    expected_core_seconds: ClassVar[float] = 60.0
    # Some losses offer none, and those of the modified Huber loss are clipped to ties.
    own_probabilities: ClassVar[bool] = False

    max_iter: PositiveInt = 1000

    @abstractmethod
    def options(self) -> dict[str, Any]:
        """Arguments of `SGDClassifier`."""

    def estimator(self, seed: int, threads: int) -> "BaseEstimator":
        """The classifier; every class has its own seed, so threads do not change it."""
        return estimator_class("linear_model", "SGDClassifier")(
            max_iter=self.max_iter, n_jobs=threads, random_state=seed, **self.options()
        )

    def parameters(self, fitted: Any) -> int:
        """Coefficients and intercepts."""
        return linear_parameters(fitted)


@LEARNERS.register("sgd")
class SGDConfig(OnlineConfig):
    """Linear model by stochastic gradient descent, of a choice of losses."""

    official_accuracy: ClassVar[float | None] = 0.819

    loss: Literal["hinge", "squared_hinge", "perceptron", "log_loss", "modified_huber"] = "hinge"
    penalty: Penalty = "l2"
    alpha: NonNegativeFloat = 1e-4

    def options(self) -> dict[str, Any]:
        """The learning rate falls by scikit-learn's own schedule."""
        return {"loss": self.loss, "penalty": self.penalty, "alpha": self.alpha}


@LEARNERS.register("perceptron")
class PerceptronConfig(OnlineConfig):
    """Rosenblatt's perceptron: learns from its mistakes at a constant rate."""

    official_accuracy: ClassVar[float | None] = 0.782

    penalty: Penalty | None = None
    alpha: NonNegativeFloat = 1e-4

    def options(self) -> dict[str, Any]:
        """What scikit-learn's `Perceptron` is short for."""
        return {
            "loss": "perceptron",
            "learning_rate": "constant",
            "eta0": 1.0,
            "penalty": self.penalty,
            "alpha": self.alpha,
        }


@LEARNERS.register("passive_aggressive")
class PassiveAggressiveConfig(OnlineConfig):
    """Passive-aggressive classifier: the least step, up to C, that mends a mistake."""

    official_accuracy: ClassVar[float | None] = 0.776

    C: PositiveFloat = 1.0

    def options(self) -> dict[str, Any]:
        """What scikit-learn's `PassiveAggressiveClassifier`, since deprecated, was short for."""
        return {"loss": "hinge", "penalty": None, "learning_rate": "pa1", "eta0": self.C}
