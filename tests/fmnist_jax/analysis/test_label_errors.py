from dataclasses import replace

import numpy as np
import pytest

from fmnist_jax.analysis import label_errors
from fmnist_jax.analysis.base import Context
from fmnist_jax.data.dataset import Split
from tests.support.small_data import small_dataset


def noisy_predictions(seed=0, count=400, classes=4):
    """Probabilities around labels of which a tenth were changed."""
    generator = np.random.default_rng(seed)
    true = generator.integers(0, classes, count)
    labels = np.where(generator.random(count) < 0.1, (true + 1) % classes, true)
    scores = generator.normal(size=(count, classes)) + 3 * np.eye(classes)[true]
    odds = np.exp(scores)
    return labels, odds / odds.sum(1, keepdims=True)


@pytest.mark.parametrize("seed", range(5))
def test_suspects_are_those_of_cleanlab(seed):
    filters = pytest.importorskip("cleanlab.filter", reason="needs cleanlab")
    labels, probabilities = noisy_predictions(seed)
    expected = filters.find_label_issues(
        labels, probabilities, filter_by="confident_learning", n_jobs=1
    )
    suggested = label_errors.suggest_labels(labels, probabilities)
    np.testing.assert_array_equal(suggested != labels, expected)


def test_a_confident_conflict_by_hand():
    labels = np.array([0, 0, 0, 1, 1])
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.2, 0.8], [0.45, 0.55]])
    # The thresholds are 0.6 and 0.675: class 1 is confident of the third image.
    suggested = label_errors.suggest_labels(labels, probabilities)
    assert suggested.tolist() == [0, 0, 1, 1, 1]


def test_a_swapped_label_is_found(monkeypatch):
    data = small_dataset()
    labels = data.train.labels.copy()
    labels[[5, 40]] = 9, 0
    monkeypatch.setattr(label_errors, "PUBLISHED", {"small": (5, 40, 1)})
    result = label_errors.LabelErrors.measure(
        Context(replace(data, train=Split(data.train.images, labels)), "none")
    )
    by_index = {suspect.index: suspect for suspect in result.suspects}
    assert {5, 40} <= set(by_index)
    assert by_index[5].label == "class j"
    assert by_index[5].suggested == "class a"
    assert result.recall == pytest.approx(2 / 3)
    assert result.published[0].rank <= result.count < result.published[2].rank
