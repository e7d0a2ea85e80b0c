"""The reference recipes: what they need, what they are, and how their failures read."""

from importlib.util import find_spec

import numpy as np
import pytest

from fmnist_jax.baselines.reference import base
from fmnist_jax.data.drawing.garments import generate
from fmnist_jax.errors import Diverged, UserError
from fmnist_jax.history import Epoch
from fmnist_jax.learner import LEARNERS, default_models, models_of

PARAMETERS = {"resnet": 38_154, "cnn": 241_546}
NAMES = models_of("reference")


def test_they_run_by_name_alone():
    assert set(NAMES) == {"keras_resnet", "keras_cnn", "pytorch_resnet", "pytorch_cnn"}
    assert not set(NAMES) & set(default_models())


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_framework_is_named_with_its_remedy(monkeypatch, name):
    monkeypatch.setattr(base, "find_spec", lambda _: None)
    with pytest.raises(UserError, match=r"(keras|torch) is not installed: pip install"):
        LEARNERS[name]().build(0)


def test_a_loss_that_is_not_finite_ends_the_training():
    epoch = Epoch(3, float("nan"), 0.1, 0.5, 0.1, 1.0, 1.0, 10)
    with pytest.raises(Diverged, match="epoch 3; lower the learning rate"):
        base.check_finite(epoch)


@pytest.mark.parametrize("name", NAMES)
def test_the_history_is_that_of_the_training(name):
    config = LEARNERS[name](epochs=2, batch_size=32, learning_rate=0.01)
    if not all(map(find_spec, config.packages)):
        pytest.skip(f"needs {', '.join(config.packages)}")
    train, validation = generate(0, 250), generate(1, 64)
    learner = config.build(0)
    learner.prepare(train, validation)
    history = learner.fit(lambda _: None)
    said = learner.predict_proba(validation.images)
    expected = -np.log(said[np.arange(64), validation.labels]).mean()
    assert history[-1].validation_loss == pytest.approx(expected, rel=1e-3)
    found = (said.argmax(1) == validation.labels).mean()
    assert history[-1].validation_accuracy == pytest.approx(found)
    assert history[-1].elapsed_s > sum(epoch.train_s for epoch in history) > 0
    assert learner.cost().parameters == PARAMETERS[name.partition("_")[2]]
