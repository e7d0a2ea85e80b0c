import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from fmnist_jax.evaluation.calibration import (
    apply_temperature,
    brier_score,
    calibration_scores,
    expected_calibration_error,
    fit_temperature,
    reliability,
)
from fmnist_jax.evaluation.classification import log_loss


def draw(seed, n=400, classes=10, sharpness=3.0):
    """Logits, and labels that follow from their softmax."""
    rng = np.random.default_rng(seed)
    logits = sharpness * rng.normal(size=(n, classes))
    labels = np.array([rng.choice(classes, p=p) for p in softmax(logits, axis=1)])
    return logits, labels


def test_expected_calibration_error_of_a_case_counted_by_hand():
    # Two bins: confidences .6 .6 (one right), and .9 .9 .9 (all right).
    probabilities = np.array([[0.6, 0.4], [0.6, 0.4], [0.9, 0.1], [0.9, 0.1], [0.9, 0.1]])
    labels = [0, 1, 0, 0, 0]
    expected = (2 * abs(0.6 - 0.5) + 3 * abs(0.9 - 1.0)) / 5
    diagram = reliability(probabilities, labels, "equal_width", bins=10)
    assert diagram.images.tolist() == [2, 3]
    assert expected_calibration_error(diagram) == pytest.approx(expected)


def test_bins_of_equal_width_are_those_of_scikit_learn():
    logits, labels = draw(0)
    probabilities = softmax(logits, axis=1)
    ours = reliability(probabilities, labels, "equal_width")
    correct = probabilities.argmax(1) == labels
    accuracy, confidence = calibration_curve(correct, probabilities.max(1), n_bins=15)
    np.testing.assert_allclose(ours.accuracy, accuracy)
    np.testing.assert_allclose(ours.confidence, confidence)


@given(st.integers(1, 60), st.integers(1, 20), st.integers(0, 99))
def test_bins_of_equal_mass_hold_equally_many(n, bins, seed):
    logits, labels = draw(seed, n)
    diagram = reliability(softmax(logits, axis=1), labels, "equal_mass", bins)
    assert diagram.images.sum() == n
    assert diagram.images.max() - diagram.images.min() <= 1
    assert np.all(np.diff(diagram.confidence) >= 0)


def test_the_brier_score_is_that_of_scikit_learn():
    logits, labels = draw(1)
    probabilities = softmax(logits, axis=1)
    theirs = brier_score_loss(labels, probabilities, labels=range(10), scale_by_half=False)
    assert brier_score(probabilities, labels) == pytest.approx(theirs)


def test_certain_and_right_probabilities_score_best():
    labels = np.arange(10)
    scores = calibration_scores(np.eye(10, dtype=np.float32), labels)
    assert (scores.ece_equal_width, scores.ece_equal_mass, scores.brier, scores.nll) == (0, 0, 0, 0)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_temperature_that_was_applied_is_found_again(temperature):
    logits, labels = draw(2, n=20_000, sharpness=2.0)
    probabilities = softmax(logits * temperature, axis=1)  # too sure by this factor
    assert fit_temperature(probabilities, labels) == pytest.approx(temperature, rel=0.05)


@given(st.floats(0.1, 10), st.integers(0, 99))
def test_scaling_keeps_the_prediction_and_the_sum(temperature, seed):
    logits, _ = draw(seed, n=20)
    probabilities = softmax(logits, axis=1).astype(np.float32)
    scaled = apply_temperature(probabilities, temperature)
    np.testing.assert_allclose(scaled.sum(1), 1)
    largest = probabilities.max(1, keepdims=True)
    assert np.all(probabilities[np.arange(20), scaled.argmax(1)] >= largest[:, 0] - 1e-6)


def test_the_fitted_temperature_never_raises_the_loss():
    logits, labels = draw(3)
    probabilities = softmax(5 * logits, axis=1)
    after = apply_temperature(probabilities, fit_temperature(probabilities, labels))
    assert log_loss(after, labels) < log_loss(probabilities, labels)


def test_probabilities_of_zero_stay_finite():
    probabilities = np.eye(10)[np.zeros(20, int)]
    scaled = apply_temperature(probabilities, fit_temperature(probabilities, np.arange(20) % 10))
    assert np.isfinite(scaled).all()
