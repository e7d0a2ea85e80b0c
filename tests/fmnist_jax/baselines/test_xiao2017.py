"""The families of the official grid, against scikit-learn's own."""

import numpy as np
import pytest
from pydantic import ValidationError

from fmnist_jax.baselines import base
from fmnist_jax.data.dataset import Split
from fmnist_jax.learner import LEARNERS, default_models, models_of
from tests.fmnist_jax.baselines.test_base import make_split

# Five epochs do not converge, and say so.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

TRAIN, VALIDATION, TEST = make_split(100), make_split(50, seed=1), make_split(60, seed=2)


def mislabelled(split):
    """With every third label wrong: nothing separates the classes, and certainty is punished."""
    labels = np.where(np.arange(len(split)) % 3 == 0, (split.labels + 1) % 10, split.labels)
    return Split(split.images, labels.astype(np.uint8))


def fit(name, train=TRAIN, validation=VALIDATION, **changes):
    learner = LEARNERS[name](**changes).build(0)
    learner.prepare(train, validation)
    learner.fit(lambda _: None)
    return learner


def test_they_are_known_and_not_ordinary():
    families = set(models_of("xiao2017"))
    assert not families & set(default_models())
    assert families == {
        "decision_tree", "extra_tree", "gaussian_nb", "gradient_boosting",
        "linear_svc", "passive_aggressive", "perceptron", "sgd",
    }  # fmt: skip


@pytest.mark.parametrize("penalty", ["l1", "elasticnet", None])
def test_the_perceptron_is_scikit_learns(penalty):
    from sklearn.linear_model import Perceptron

    learner = fit("perceptron", penalty=penalty, max_iter=5)
    own = Perceptron(penalty=penalty, max_iter=5, random_state=0)
    own.fit(base.flatten(TRAIN.images), TRAIN.labels)
    np.testing.assert_array_equal(learner._classifier.coef_, own.coef_)


@pytest.mark.filterwarnings("ignore:.*PassiveAggressiveClassifier is deprecated:FutureWarning")
def test_the_passive_aggressive_classifier_is_the_one_that_was_replaced():
    from sklearn import linear_model

    own = getattr(linear_model, "PassiveAggressiveClassifier", None)
    if own is None:
        pytest.skip("scikit-learn has removed it")
    own = own(C=0.01, max_iter=5, random_state=0)
    own.fit(base.flatten(TRAIN.images), TRAIN.labels)
    learner = fit("passive_aggressive", C=0.01, max_iter=5)
    np.testing.assert_array_equal(learner._classifier.coef_, own.coef_)
    assert not np.allclose(fit("passive_aggressive", C=1.0)._classifier.coef_, own.coef_)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("sgd", {"loss": "modified_huber"}),  # its own probabilities are clipped to ties
        ("sgd", {"loss": "squared_hinge", "standardise": True}),
        ("linear_svc", {"standardise": True}),
        ("svm", {"kernel": "poly", "gamma": "scale"}),
    ],
)
def test_decision_values_decide(name, changes):
    learner = fit(name, mislabelled(TRAIN), mislabelled(VALIDATION), **changes)
    scores = learner._estimator.decision_function(base.flatten(TEST.images))
    probabilities = learner.predict_proba(TEST.images)
    np.testing.assert_array_equal(probabilities.argmax(1), scores.argmax(1))
    assert 0.3 < probabilities.max(1).mean() < 0.99  # two labels in three are right


def test_temperature_follows_the_scale_of_the_scores():
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 10, 300).astype(np.uint8)
    scores = generator.normal(size=(300, 10))
    scores[np.arange(300), labels] += 1
    small = base.fit_temperature(scores, labels)
    assert base.fit_temperature(1e6 * scores, labels) == pytest.approx(1e6 * small, rel=1e-6)


def test_standardised_features_come_from_the_training_images():
    def scale(images):
        pixels = base.flatten(TRAIN.images)
        return (base.flatten(images) - pixels.mean(0)) / np.maximum(pixels.std(0), 1e-12)

    learner = fit("gaussian_nb", standardise=True)
    np.testing.assert_allclose(
        learner._estimator[:-1].transform(base.flatten(TEST.images)), scale(TEST.images), atol=1e-4
    )
    means = [scale(TRAIN.images)[TRAIN.labels == label].mean(0) for label in range(10)]
    np.testing.assert_allclose(learner._classifier.theta_, means, atol=1e-4)
    assert np.abs(fit("gaussian_nb")._classifier.theta_ - means).max() > 1


def test_priors_reach_naive_bayes():
    learner = fit("gaussian_nb", priors=[0.91, *[0.01] * 9])
    np.testing.assert_allclose(learner._classifier.class_prior_, [0.91, *[0.01] * 9])


def test_one_class_against_the_rest_is_ten_models_and_l1_leaves_pixels_out():
    def coefficients(**changes):
        fitted = fit("logistic_regression", C=1.0, max_iter=30, **changes)._classifier
        return np.vstack([each.coef_ for each in getattr(fitted, "estimators_", [fitted])])

    for multi_class in ("ovr", "multinomial"):
        dense = coefficients(multi_class=multi_class, penalty="l2")
        sparse = coefficients(multi_class=multi_class, penalty="l1")
        assert dense.shape == sparse.shape == (10, 784)
        assert np.mean(sparse == 0) > 0.3 > np.mean(dense == 0)
    assert not np.allclose(coefficients(multi_class="ovr"), coefficients())


@pytest.mark.parametrize(
    ("name", "changes", "expected"),
    [
        ("linear_svc", {}, 7850),
        ("sgd", {}, 7850),
        ("logistic_regression", {"multi_class": "ovr"}, 7850),
        ("gaussian_nb", {"standardise": True}, 2 * 7840 + 10),
    ],
)
def test_parameters(name, changes, expected):
    assert fit(name, **changes).cost().parameters == expected


def test_manhattan_distance_reaches_the_neighbours():
    learner = fit("knn", p=1, square_root=False, unit_length=False, n_neighbors=1)
    train, test = base.flatten(TRAIN.images), base.flatten(TEST.images)
    nearest = np.abs(test[:, None] - train).sum(2).argmin(1)
    np.testing.assert_array_equal(
        learner.predict_proba(TEST.images).argmax(1), TRAIN.labels[nearest]
    )


def test_a_pair_that_no_solver_has_is_refused():
    with pytest.raises(ValidationError, match="'hinge' cannot be fitted with penalty 'l1'"):
        LEARNERS["linear_svc"](loss="hinge", penalty="l1")
    LEARNERS["linear_svc"](loss="hinge", penalty="l1", multi_class="crammer_singer")
