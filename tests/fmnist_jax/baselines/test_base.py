import sys
import warnings

import numpy as np
import pytest
from scipy.special import log_softmax
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import Pipeline

from fmnist_jax.baselines import base
from fmnist_jax.data.dataset import Split
from fmnist_jax.data.load import load
from fmnist_jax.data.splits import make_splits
from fmnist_jax.learner import LEARNERS


def make_split(n, classes=10, seed=0):
    generator = np.random.default_rng(seed)
    labels = np.arange(n, dtype=np.uint8) % classes
    images = generator.integers(0, 50, (n, 28, 28)).astype(np.uint8)
    images[np.arange(n), labels * 2] += 100
    return Split(images, labels)


def test_flatten_scales_to_one():
    images = np.zeros((2, 28, 28), np.uint8)
    images[1, 27, 27] = 255
    flat = base.flatten(images)
    assert flat.shape == (2, 784)
    assert flat.dtype == np.float32
    assert (flat[0].max(), flat[1, 783]) == (0, 1)


def test_temperature_against_a_grid():
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 10, 300).astype(np.uint8)
    scores = generator.normal(size=(300, 10)) * 8
    scores[np.arange(300), labels] += 5

    def loss(temperature):
        return -log_softmax(scores / temperature, axis=1)[np.arange(300), labels].mean()

    grid = np.geomspace(0.01, 100, 4001)
    best = grid[np.argmin([loss(temperature) for temperature in grid])]
    assert base.fit_temperature(scores, labels) == pytest.approx(best, rel=0.01)


def test_a_class_missing_from_training_has_probability_zero():
    learner = LEARNERS["knn"]().build(0)
    learner.prepare(make_split(40, classes=7), make_split(14, classes=7))
    learner.fit(lambda _: None)
    probabilities = learner.predict_proba(make_split(20).images)
    assert probabilities.shape == (20, 10)
    assert not probabilities[:, 7:].any()


def test_svm_predicts_by_its_decision_values():
    learner = LEARNERS["svm"]().build(0)
    learner.prepare(make_split(100), make_split(50, seed=1))
    learner.fit(lambda _: None)
    test = make_split(30, seed=2)
    np.testing.assert_array_equal(
        learner.predict_proba(test.images).argmax(1),
        learner._estimator.decision_function(base.flatten(test.images)).argmax(1),
    )


def test_the_accelerated_class_is_preferred_and_the_stock_one_serves():
    pytest.importorskip("sklearnex")
    assert base.estimator_class("svm", "SVC").__module__.startswith("sklearnex")
    assert base.estimator_class("neural_network", "MLPClassifier").__module__.startswith("sklearn.")


@pytest.mark.parametrize("name", ["svm", "knn"])
def test_the_accelerated_class_is_as_accurate_as_the_stock_one(name, fashion_dir, monkeypatch):
    pytest.importorskip("sklearnex")
    splits = make_splits(load(data_dir=fashion_dir), train_images=2_000)

    def right():
        learner = LEARNERS[name]().build(0)
        learner.prepare(splits.train, splits.validation)
        learner.fit(lambda _: None)
        found = learner.predict_proba(splits.test.images).argmax(1) == splits.test.labels
        classifier = learner._classifier
        last = classifier[-1] if isinstance(classifier, Pipeline) else classifier
        return type(last), found.mean()

    accelerated, ours = right()
    for package in [name for name in sys.modules if name.startswith("sklearnex.")]:
        monkeypatch.setitem(sys.modules, package, None)
    stock, reference = right()
    assert accelerated is not stock
    assert abs(ours - reference) <= 0.001


@pytest.mark.parametrize(("name", "is_silent"), [("mlp", True), ("logistic_regression", False)])
def test_the_end_of_a_budget_is_no_warning_and_a_solver_cut_short_is_one(name, is_silent):
    learner = LEARNERS[name](max_iter=2).build(0)
    learner.prepare(make_split(200), make_split(20))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        learner.fit(lambda _: None)
    assert (not [w for w in caught if w.category is ConvergenceWarning]) is is_silent


@pytest.mark.parametrize(
    ("name", "expected"),
    [("logistic_regression", 7850), ("mlp", 784 * 256 + 256 + 256 * 128 + 128 + 128 * 10 + 10)],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_parameters(name, expected):
    config = LEARNERS[name](max_iter=2, **({"batch_size": 50} if name == "mlp" else {}))
    learner = config.build(0)
    learner.prepare(make_split(100), make_split(20))
    learner.fit(lambda _: None)
    assert learner.cost().parameters == expected
