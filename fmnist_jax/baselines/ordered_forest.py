"""A random forest whose probabilities do not depend on which thread is done first."""

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import RandomForestClassifier
from sklearn.utils.parallel import Parallel, delayed

from fmnist_jax.baselines.base import Features

_ROWS = 1000  # fewer are not worth a thread of their own


class OrderedForest(RandomForestClassifier):  # type: ignore[misc]
    """scikit-learn's forest, its trees' probabilities added up in the trees' order.

    scikit-learn gives its threads trees to predict with, and adds what they find as they
    find it: the last bits differ from call to call. Here they have images each, which is
    also several times as fast for a single image.
    """

    def predict_proba(self, X: Features) -> npt.NDArray[np.float64]:  # noqa: N803
        """The mean over trees, float64 [n, classes], of float32 features [n, 784]."""
        rows = np.ascontiguousarray(X, np.float32)
        threads = min(self.n_jobs or 1, -(-len(rows) // _ROWS))
        if threads < 2:
            return self._mean(rows)
        parts = Parallel(n_jobs=threads, prefer="threads")(
            delayed(self._mean)(part) for part in np.array_split(rows, threads)
        )
        return np.concatenate(parts)

    def _mean(self, rows: Features) -> npt.NDArray[np.float64]:
        trees = (tree.predict_proba(rows, check_input=False) for tree in self.estimators_)
        return np.asarray(sum(trees) / len(self.estimators_))
