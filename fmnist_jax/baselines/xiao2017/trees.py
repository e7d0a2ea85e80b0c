"""Single decision trees on pixels."""

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import PositiveInt

from fmnist_jax.baselines.base import BaselineConfig, estimator_class
from fmnist_jax.learner import LEARNERS

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator


class TreeConfig(BaselineConfig):
    """What the two kinds of tree have in common.

    Attributes:
        sklearn_class: its name in `sklearn.tree`.
    """

    sklearn_class: ClassVar[str]
    expected_core_seconds: ClassVar[float] = 40.0

    criterion: Literal["gini", "entropy", "log_loss"] = "gini"
    splitter: Literal["best", "random"] = "best"
    max_depth: PositiveInt | None = None

    def estimator(self, seed: int, threads: int) -> "BaseEstimator":
        """The classifier, which has one thread."""
        return estimator_class("tree", self.sklearn_class)(
            criterion=self.criterion,
            splitter=self.splitter,
            max_depth=self.max_depth,
            random_state=seed,
        )


@LEARNERS.register("decision_tree")
class DecisionTreeConfig(TreeConfig):
    """One decision tree that looks at every pixel at every split."""

    sklearn_class: ClassVar[str] = "DecisionTreeClassifier"
    official_accuracy: ClassVar[float | None] = 0.798


@LEARNERS.register("extra_tree")
class ExtraTreeConfig(TreeConfig):
    """One decision tree that looks at 28 random pixels at every split."""

    sklearn_class: ClassVar[str] = "ExtraTreeClassifier"
    expected_core_seconds: ClassVar[float] = 5.0
    official_accuracy: ClassVar[float | None] = 0.775

    splitter: Literal["best", "random"] = "random"
