"""Learning from a teacher: its probabilities, the loss, and the whole way of a training."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fmnist_jax.data.augment import Augment, augment, draw, view_index, views
from fmnist_jax.data.dataset import Split
from fmnist_jax.errors import UserError
from fmnist_jax.learner import resolve
from fmnist_jax.models.dense import DenseConfig
from fmnist_jax.training.program.step import Targets, _losses
from fmnist_jax.training.teacher import Teacher, see, soften, teach

GENERATOR = np.random.default_rng(0)


def make_split(n):
    labels = (np.arange(n) % 10).astype(np.uint8)
    images = GENERATOR.integers(0, 80, (n, 28, 28)).astype(np.uint8)
    images[np.arange(n), labels * 2] += 120  # a bright row tells the class
    return Split(images, labels)


TRAIN, VALIDATION = make_split(80), make_split(40)
STILL = Augment(flip=False)
SmallConfig = partial(DenseConfig, hidden=(64,), label_smoothing=0.0)
TEACHER = Teacher(model="logistic_regression", temperature=3.0)


def test_the_answers_are_those_of_the_model_at_its_temperature():
    soft = soften(teach(TEACHER, Augment(), TRAIN, VALIDATION), TEACHER.temperature)
    learner = resolve("logistic_regression", {}).build(1000)
    learner.prepare(TRAIN, VALIDATION)
    learner.fit(lambda _: None)
    for view, images in enumerate((TRAIN.images, TRAIN.images[:, :, ::-1].copy())):
        powers = np.asarray(learner.predict_proba(images), np.float64) ** (1 / 3)
        expected = powers / powers.sum(1, keepdims=True)
        # The floor of 1e-7 shows in the smallest.
        np.testing.assert_allclose(soft[:, view], expected, rtol=1e-3, atol=2e-3)
    assert soft.dtype == np.float32


@pytest.mark.parametrize("alternate", [False, True])
@pytest.mark.parametrize("reach", [0, 2])
def test_each_view_is_what_the_student_sees(alternate, reach):
    config = Augment(alternate=alternate, shift=reach)
    numbers = draw(jax.random.key(0), len(TRAIN), config, turn=jnp.arange(len(TRAIN)))
    seen = augment(jnp.asarray(TRAIN.images, jnp.float32), numbers, config)
    chosen = np.asarray(view_index(numbers, config, len(TRAIN)))
    of_views = np.stack([see(TRAIN.images, view) for view in views(config)], axis=1)
    np.testing.assert_array_equal(of_views[np.arange(len(TRAIN)), chosen], seen)
    assert len(set(chosen)) > 1


def test_an_image_that_never_changes_has_its_first_view():
    config = Augment(flip=False)
    numbers = draw(jax.random.key(0), 5, config)
    assert not np.asarray(view_index(numbers, config, 5)).any()
    assert views(config) == ((False, 0, 0),)


def test_several_teachers_are_averaged_and_always_the_same_ones():
    forest = Teacher(model="random_forest", settings={"n_estimators": 3}, temperature=1.0)
    two = teach(forest.model_copy(update={"count": 2}), Augment(), TRAIN, VALIDATION)
    again = teach(forest.model_copy(update={"count": 2}), Augment(), TRAIN, VALIDATION)
    one = teach(forest, Augment(), TRAIN, VALIDATION)
    np.testing.assert_array_equal(two, again)
    assert not np.allclose(one, two)


def test_the_loss_is_the_formula():
    config = SmallConfig(label_smoothing=0.1, teacher=TEACHER.model_copy(update={"weight": 0.6}))
    logits = GENERATOR.normal(size=(7, 10))
    labels = GENERATOR.integers(0, 10, 7)
    soft = GENERATOR.dirichlet(np.ones(10), 7)

    def log_softmax(x):
        return x - np.log(np.exp(x).sum(1, keepdims=True))

    hard = 0.9 * np.eye(10)[labels] + 0.1 / 10
    expected = 0.4 * -(hard * log_softmax(logits)).sum(1)
    expected += 0.6 * 9 * -(soft * log_softmax(logits / 3)).sum(1)
    targets = Targets(jnp.asarray(labels), jnp.asarray(soft, jnp.float32))
    found = _losses(jnp.asarray(logits, jnp.float32), targets, config)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def train(**changes):
    settings = {"epochs": 2, "batch_size": 16, "dropout": 0.0, "augment": Augment(flip=False)}
    learner = SmallConfig(**settings | changes).build(0)
    learner.prepare(TRAIN, VALIDATION)
    return learner, learner.fit(lambda _: None)


def test_a_student_learns_what_its_teacher_says():
    """A teacher of wrong labels, which has all the weight, teaches them."""
    wrong = Split(TRAIN.images, (TRAIN.labels + 1) % 10)
    teacher = Teacher(model="knn", settings={"n_neighbors": 1}, temperature=1.0, weight=1.0)
    learner = SmallConfig(
        epochs=12, batch_size=16, dropout=0.0, augment=Augment(flip=False), teacher=teacher
    ).build(0)
    learner.prepare(TRAIN, VALIDATION)
    learner._splits = wrong, VALIDATION  # what the teacher sees
    history = learner.fit(lambda _: None)
    said = learner.predict_proba(TRAIN.images).argmax(1)
    assert (said == wrong.labels).mean() > 0.5
    assert history[-1].train_accuracy < 0.5  # against the labels


def test_the_clock_runs_while_the_teacher_trains():
    _, history = train(teacher=TEACHER)
    assert history[0].elapsed_s > history[0].train_s
    assert np.isfinite([epoch.train_loss for epoch in history]).all()


def test_a_config_without_a_teacher_is_what_it_was():
    assert "teacher" not in SmallConfig().model_dump(mode="json")
    assert SmallConfig(teacher=TEACHER).model_dump(mode="json")["teacher"]["temperature"] == 3.0


def test_an_unknown_teacher():
    with pytest.raises(UserError, match="resnt"):
        train(teacher=Teacher(model="resnt"))


def test_two_devices_learn_what_one_learns():
    from fmnist_jax.training.program.engine import compile_engine

    config = SmallConfig(
        epochs=1, batch_size=16, dropout=0.0, optimizer="sgd", learning_rate=0.01,
        augment=Augment(flip=False), teacher=TEACHER,
    )  # fmt: skip
    soft = soften(teach(TEACHER, STILL, TRAIN, VALIDATION), TEACHER.temperature)
    trained = []
    for devices in (1, 2):
        engine = compile_engine(
            config.network("float32"), config, TRAIN, VALIDATION, 0, jax.devices()[:devices]
        ).taught(soft)
        trained.append(jax.device_get(engine.train(engine.state, 1)[0].params))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6), *trained)
