"""k nearest neighbours on raw pixels."""

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import PositiveInt

from fmnist_jax.baselines.base import BaselineConfig, estimator_class
from fmnist_jax.learner import LEARNERS

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator


@LEARNERS.register("knn")
class KNNConfig(BaselineConfig):
    """k nearest neighbours by Euclidean distance, brute force."""

    core_seconds: ClassVar[float] = 25.0

    n_neighbors: PositiveInt = 5
    weights: Literal["uniform", "distance"] = "distance"

    def estimator(self, seed: int, threads: int) -> "BaseEstimator":
        """The classifier; nothing in it is random."""
        return estimator_class("neighbors", "KNeighborsClassifier")(
            n_neighbors=self.n_neighbors, weights=self.weights, algorithm="brute", n_jobs=threads
        )
