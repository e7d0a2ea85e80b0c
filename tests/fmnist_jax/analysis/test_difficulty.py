import numpy as np
import pytest
from scipy.stats import spearmanr

from fmnist_jax.analysis import difficulty
from fmnist_jax.analysis.base import Context
from tests.support.small_data import small_dataset


def test_rank_correlation_is_scipys():
    generator = np.random.default_rng(0)
    x, y = generator.integers(0, 5, (2, 30)).astype(float)  # with ties
    assert difficulty.rank_correlation(x, y).rho == pytest.approx(spearmanr(x, y).statistic)


@pytest.mark.parametrize(
    ("y", "verdict"),
    [
        (np.arange(20.0), "predicts"),
        (-np.arange(20.0), "predicts the opposite"),
        (np.tile([0.0, 1.0], 10), "predicts nothing"),
        (np.ones(20), "predicts nothing"),
    ],
)
def test_the_verdict_follows_from_the_interval(y, verdict):
    correlation = difficulty.rank_correlation(np.arange(20.0), y)
    assert correlation.verdict == verdict
    assert correlation.low <= correlation.rho <= correlation.high


def test_shares_by_hand():
    confusion = np.array([[8, 2], [4, 16]])
    np.testing.assert_allclose(difficulty.error_rates(confusion), [0.2, 0.2])
    assert difficulty.pair_shares(confusion)[0, 1] == pytest.approx(6 / 30)
    mean = difficulty.mean_confusion({"a": confusion, "b": np.diag([5, 5])})
    np.testing.assert_allclose(mean, [[0.9, 0.1], [0.1, 0.9]])


def test_difficulty_is_variance_times_highest_similarity():
    result = difficulty.Difficulty.measure(Context(small_dataset(), "none"))
    for name, value in result.difficulty.items():
        assert value == pytest.approx(result.variance[name] * result.highest_similarity[name])
    assert max(result.highest_similarity.values()) < 1


def test_confusions_where_similarity_expects_them_are_predicted():
    context = Context(small_dataset(), "none")
    from fmnist_jax.analysis import measures

    similarity = measures.cosine_similarity(context.centroids)
    confusion = np.rint(100 * similarity).astype(np.int64) + 900 * np.eye(10, dtype=np.int64)
    result = difficulty.Difficulty.measure(Context(small_dataset(), "none", {"knn": confusion}))
    assert result.checks["knn"].pairs_verdict == "predicts"
    assert set(result.checks) == {"knn", difficulty.ALL}
    assert result.expected_confusions[0].confused_share > 0
