import numpy as np
import pytest
from sklearn import metrics

from fmnist_jax.evaluation import classification as evaluation


@pytest.fixture
def predictions():
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 10, 500)
    probabilities = generator.dirichlet(np.ones(10), 500).astype(np.float32)
    probabilities[np.arange(500), labels] += 0.2
    return labels, probabilities / probabilities.sum(1, keepdims=True)


def test_against_scikit_learn(predictions):
    labels, probabilities = predictions
    predicted = probabilities.argmax(1)
    confusion = evaluation.confusion_matrix(labels, predicted, 10)
    np.testing.assert_array_equal(confusion, metrics.confusion_matrix(labels, predicted))
    assert evaluation.accuracy(confusion) == pytest.approx(
        metrics.accuracy_score(labels, predicted)
    )
    exact = probabilities.astype(np.float64)
    exact /= exact.sum(1, keepdims=True)
    assert evaluation.log_loss(probabilities, labels) == pytest.approx(
        metrics.log_loss(labels, exact, labels=range(10)), rel=1e-5
    )
    report = evaluation.class_report(confusion)
    expected = metrics.precision_recall_fscore_support(labels, predicted)
    for ours, theirs in zip(
        (report.precision, report.recall, report.f1, report.support), expected, strict=True
    ):
        np.testing.assert_allclose(ours, theirs)


def test_a_class_that_never_occurs_is_zero_not_nan():
    confusion = evaluation.confusion_matrix([0, 0, 1], [0, 1, 1], 3)
    report = evaluation.class_report(confusion)
    assert report.precision[2] == report.recall[2] == report.f1[2] == 0


def test_a_certain_mistake_stays_finite():
    assert np.isfinite(evaluation.log_loss(np.array([[1.0, 0.0]], np.float32), [1]))


def test_most_confused_pairs_in_order():
    confusion = np.array([[5, 3, 0], [7, 9, 1], [0, 0, 4]])
    assert evaluation.most_confused(confusion, 2) == [(1, 0, 7), (0, 1, 3)]
    assert evaluation.most_confused(confusion, 9) == [(1, 0, 7), (0, 1, 3), (1, 2, 1)]
