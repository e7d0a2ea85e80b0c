import numpy as np
from sklearn.ensemble import RandomForestClassifier

from fmnist_jax.baselines.ordered_forest import OrderedForest


def test_threads_do_not_change_a_bit():
    generator = np.random.default_rng(0)
    x = generator.random((3_001, 20), np.float32)
    y = generator.integers(0, 3, 3_001)
    # Shallow trees, whose leaves hold fractions that no sum represents exactly.
    forest = OrderedForest(n_estimators=60, max_depth=4, random_state=0, n_jobs=1).fit(x, y)
    alone = forest.predict_proba(x)
    threaded = OrderedForest(n_estimators=60, max_depth=4, random_state=0, n_jobs=4).fit(x, y)
    for _ in range(5):
        assert threaded.predict_proba(x).tobytes() == alone.tobytes()
    stock = RandomForestClassifier(n_estimators=60, max_depth=4, random_state=0).fit(x, y)
    np.testing.assert_allclose(alone, stock.predict_proba(x), rtol=1e-12)
