"""Every registered model and baseline keeps the learner's promises."""

import numpy as np
import pytest

from fmnist_jax.data.splits import make_splits
from fmnist_jax.learner import LEARNERS

# Small enough for seconds; a model added later is tested with its own defaults.
QUICK = {
    "resnet": {"epochs": 3, "width": 8, "batch_size": 32},
    "cnn": {"epochs": 3, "batch_size": 32},
    "dense": {"epochs": 3, "batch_size": 32, "hidden": [32]},
    "dense_pca": {"epochs": 5, "batch_size": 16, "hidden": [32], "components": 20},
    "resnet18": {"epochs": 3, "batch_size": 32, "width": 4, "stages": [1, 1]},
    "resnet34": {"epochs": 3, "batch_size": 32, "width": 4, "stages": [1, 1]},
    "wide_resnet": {"epochs": 3, "batch_size": 32, "blocks": 1, "widen": 1},
    "hybrid": {"epochs": 3, "batch_size": 32},
    "transfer": {"epochs": 3, "batch_size": 32, "mode": "scratch"},  # MNIST is not at hand
    "lightgbm": {"n_estimators": 5},
    "hog_svm": {"cell": 4},
    "random_forest": {"n_estimators": 20},
    "mlp": {"hidden": [32], "max_iter": 5},
    "logistic_regression": {"max_iter": 20},
    "gradient_boosting": {"n_estimators": 2},
    **{
        name: {"epochs": 3, "batch_size": 32, "learning_rate": 0.01}
        for name in ("keras_resnet", "keras_cnn", "pytorch_resnet", "pytorch_cnn")
    },
}


@pytest.fixture(scope="module")
def splits():
    from fmnist_jax.data.dataset import Dataset
    from fmnist_jax.data.drawing.garments import generate

    drawn = Dataset("synthetic", ("",) * 10, generate(0, 500), generate(1, 130), "generated")
    return make_splits(drawn, validation_images=100)


@pytest.fixture(scope="module", params=list(LEARNERS.catalogue))
def fitted(request, splits):
    """A learner after fit, with what it reported on the way."""
    config = LEARNERS[request.param].model_validate(QUICK.get(request.param, {}))
    for package in config.packages:
        pytest.importorskip(package)
    learner = config.build(seed=0)
    prepared = learner.prepare(splits.train, splits.validation)
    epochs = []
    history = learner.fit(epochs.append)
    return config, learner, prepared, epochs, history


# Small runs of iterative solvers do not converge, and say so.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_probabilities(fitted, splits):
    _, learner, *_ = fitted
    probabilities = learner.predict_proba(splits.test.images)
    assert probabilities.shape == (130, 10)
    assert probabilities.dtype == np.float32
    assert probabilities.min() >= 0
    np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-3)


def test_it_learns(fitted, splits):
    _, learner, *_ = fitted
    predicted = learner.predict_proba(splits.train.images).argmax(1)
    assert np.mean(predicted == splits.train.labels) > 0.2  # chance is 0.1


def test_a_prediction_does_not_depend_on_its_company(fitted, splits):
    _, learner, *_ = fitted
    together = learner.predict_proba(splits.test.images)
    for index in (0, 77):
        alone = learner.predict_proba(splits.test.images[index : index + 1])
        np.testing.assert_allclose(alone[0], together[index], rtol=1e-3, atol=1e-4)


def test_the_inputs_are_left_alone(fitted, splits):
    _, learner, *_ = fitted
    before = splits.test.images.copy()
    learner.predict_proba(splits.test.images)
    np.testing.assert_array_equal(splits.test.images, before)


def test_history(fitted):
    config, _, prepared, epochs, history = fitted
    assert tuple(epochs) == history
    if config.kind == "flax":
        assert prepared.compile_s > 0
    if config.kind != "sklearn":
        assert [epoch.epoch for epoch in history] == list(range(1, len(history) + 1))
        assert all(epoch.train_s > 0 and epoch.images > 0 for epoch in history)


def test_what_predicts_is_what_was_validated(fitted, splits):
    config, learner, _, _, history = fitted
    if config.kind != "flax" or hasattr(config, "classifier"):
        pytest.skip("no network, or not what predicts")
    probabilities = learner.predict_proba(splits.validation.images)
    chosen = probabilities[np.arange(100), splits.validation.labels]
    assert np.isclose(-np.log(chosen).mean(), history[-1].validation_loss, rtol=1e-3)


def test_cost(fitted):
    config, learner, *_ = fitted
    cost = learner.cost()
    assert cost.model_bytes > 0
    if config.kind == "flax":
        assert cost.parameters >= cost.trainable_parameters > 0
        assert cost.flops_per_image > 0


def test_config(fitted):
    config, *_ = fitted
    assert type(config).model_validate_json(config.model_dump_json()) == config
    assert config.compute_dtype(accelerator=False) == "float32"
    field = next(iter(type(config).model_fields))
    with pytest.raises(ValueError, match="frozen"):
        setattr(config, field, None)


def test_the_same_seed_gives_the_same_probabilities(fitted, splits):
    config, learner, *_ = fitted
    again = config.build(seed=0)
    again.prepare(splits.train, splits.validation)
    again.fit(lambda _: None)
    images = splits.test.images
    # Other frameworks add up gradients in an order that their threads decide.
    tolerance = 0.0 if config.kind in ("flax", "sklearn") else 0.1
    found, expected = again.predict_proba(images), learner.predict_proba(images)
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("name", list(LEARNERS.catalogue))
def test_the_catalogue_has_a_summary(name):
    assert len(LEARNERS.catalogue[name].summary) > 10
