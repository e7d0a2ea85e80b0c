"""Linear support vector machine on pixels."""

from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import PositiveFloat, PositiveInt, model_validator

from fmnist_jax.baselines.base import BaselineConfig, estimator_class, linear_parameters
from fmnist_jax.learner import LEARNERS

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator


@LEARNERS.register("linear_svc")
class LinearSVCConfig(BaselineConfig):
    """Linear support vector machine by liblinear, one class against the rest.

    `multi_class = "crammer_singer"` fits all classes jointly, whatever loss and penalty say.
    """

    expected_core_seconds: ClassVar[float] = 500.0
    official_accuracy: ClassVar[float | None] = 0.836

    C: PositiveFloat = 1.0
    loss: Literal["hinge", "squared_hinge"] = "squared_hinge"
    penalty: Literal["l1", "l2"] = "l2"
    multi_class: Literal["ovr", "crammer_singer"] = "ovr"
    max_iter: PositiveInt = 1000

    @model_validator(mode="after")
    def _can_be_solved(self) -> Self:
        if self.multi_class == "ovr" and (self.loss, self.penalty) == ("hinge", "l1"):
            raise ValueError("loss 'hinge' cannot be fitted with penalty 'l1'")
        return self

    def estimator(self, seed: int, threads: int) -> "BaseEstimator":
        """The classifier, which has one thread."""
        return estimator_class("svm", "LinearSVC")(
            C=self.C,
            loss=self.loss,
            penalty=self.penalty,
            multi_class=self.multi_class,
            # In the dual an epoch has a fixed cost; the primal can take minutes at any size.
            dual=self.penalty == "l2",
            max_iter=self.max_iter,
            random_state=seed,
        )

    def parameters(self, fitted: Any) -> int:
        """Coefficients and intercepts."""
        return linear_parameters(fitted)
