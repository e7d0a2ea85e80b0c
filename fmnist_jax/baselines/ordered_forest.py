"""A random forest whose probabilities do not depend on which thread is done first."""

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import RandomForestClassifier
from sklearn.utils.parallel import Parallel, delayed

from fmnist_jax.baselines.base import Features


class OrderedForest(RandomForestClassifier):  # type: ignore[misc]
    """scikit-learn's forest, its trees' probabilities added up in the trees' order.

    scikit-learn adds them in the order in which its threads finish, so that the last
    bits differ from call to call.
    """

    def predict_proba(self, X: Features) -> npt.NDArray[np.float64]:  # noqa: N803
        """The mean over trees, float64 [n, classes], of float32 features [n, 784]."""
        trees = Parallel(n_jobs=self.n_jobs, prefer="threads", return_as="generator")(
            delayed(tree.predict_proba)(X) for tree in self.estimators_
        )
        return np.asarray(sum(trees) / len(self.estimators_))
