"""The network's features, and what is fitted on them."""

import numpy as np
import pytest

from fmnist_jax.data.drawing.garments import generate
from fmnist_jax.learner import resolve

TRAIN, VALIDATION = generate(0, 200), generate(1, 50)
QUICK = {"epochs": 1, "batch_size": 50}


@pytest.fixture(scope="module")
def learner():
    learner = resolve("hybrid", QUICK | {"classifier": "logistic_regression"}).build(0)
    learner.prepare(TRAIN, VALIDATION)
    learner.fit(lambda epoch: None)
    return learner


def test_the_features_are_what_the_last_layer_of_the_network_sees(learner):
    features = learner.embed(VALIDATION.images[:7])
    assert features.shape == (7, 128)
    assert features.min() >= 0
    last = learner.variables["params"]["classifier"]
    images = VALIDATION.images[:7, ..., None] / np.float32(255)
    logits = learner.network.apply(learner.variables, images)
    np.testing.assert_allclose(features @ last["kernel"] + last["bias"], logits, atol=1e-4)


def test_predictions_are_the_classifiers(learner):
    from sklearn.linear_model import LogisticRegression

    own = LogisticRegression(C=1.0, max_iter=500).fit(learner.embed(TRAIN.images), TRAIN.labels)
    expected = own.predict_proba(learner.embed(VALIDATION.images))
    np.testing.assert_allclose(
        learner.predict_proba(VALIDATION.images), expected, rtol=1e-3, atol=1e-4
    )


def test_its_cost_adds_the_classifier_to_the_network(learner):
    assert learner.cost().parameters == 241_546 + 128 * 10 + 10
