"""Several epochs and several seeds in one call, against one epoch of one seed at a time."""

import jax
import numpy as np
import pytest

from fmnist_jax.history import Checkpoints
from fmnist_jax.models.dense import DenseConfig
from fmnist_jax.training.fit import fit
from fmnist_jax.training.fit_together import fit_together
from fmnist_jax.training.program.epoch import AXIS
from fmnist_jax.training.program.together import compile_together
from fmnist_jax.training.teacher import Teacher
from tests.fmnist_jax.training.program.test_engine import (
    SIMPLE,
    TRAIN,
    VALIDATION,
    assert_close,
    build,
)
from tests.support.small_networks import Normalised

NETWORK = Normalised(axis_name=AXIS)
CONFIG = SIMPLE.model_copy(update={"epochs": 5, "epochs_per_call": 2, "learning_rate": 0.1})
# Whose validation loss is lowest long before the last epoch.
STOPPING = CONFIG.model_copy(update={"epochs": 12, "epochs_per_call": 5, "patience": 2})


def compiled(config=CONFIG, seeds=(0,), network=NETWORK):
    return compile_together(network, config, TRAIN, VALIDATION, seeds, jax.devices()[:2])


def train(config, seeds=(0,), **options):
    return fit_together(
        compiled(config, seeds), config.epochs, config.patience, lambda _: None, **options
    )


def alone(config, seed=0):
    built = build(2, config, seed, network=NETWORK)
    return fit(built, config.epochs, config.patience, lambda _: None)


def numbers(history):
    return [
        (e.train_loss, e.train_accuracy, e.validation_loss, e.validation_accuracy) for e in history
    ]


def assert_equal(result, expected):
    (weights, history), (expected_weights, expected_history) = result, expected
    np.testing.assert_allclose(numbers(history), numbers(expected_history), rtol=1e-3)
    assert [e.epoch for e in history] == [e.epoch for e in expected_history]
    assert_close(weights, expected_weights, rtol=1e-3, atol=1e-4)


def test_several_epochs_in_a_call_give_what_one_after_the_other_gives():
    (result,) = train(CONFIG)
    assert_equal(result, alone(CONFIG))
    history = result[1]
    assert [epoch.epoch for epoch in history] == [1, 2, 3, 4, 5]
    elapsed = [epoch.elapsed_s for epoch in history]
    assert elapsed == sorted(elapsed)
    assert all(0 < epoch.train_s <= epoch.elapsed_s for epoch in history)


def test_early_stopping_in_the_middle_of_a_call():
    (result,) = train(STOPPING)
    stopped = len(result[1])
    assert 2 < stopped < STOPPING.epochs
    assert stopped % STOPPING.epochs_per_call  # the call went on, and changed nothing
    assert_equal(result, alone(STOPPING))


@pytest.mark.parametrize("config", [CONFIG, STOPPING], ids=["to the end", "stopping"])
def test_seeds_side_by_side_give_what_each_gives_alone(config):
    seeds = (0, 3, 7)
    results = train(config, seeds)
    for seed, result in zip(seeds, results, strict=True):
        assert_equal(result, alone(config, seed))
    losses = {history[-1].train_loss for _, history in results}
    assert len(losses) == len(seeds)


def test_a_seed_has_its_share_of_the_time():
    seen = []
    together = compiled(CONFIG, (0, 1))
    results = fit_together(together, 5, None, seen.append)
    assert tuple(seen) == results[0][1]
    for a, b in zip(results[0][1], results[1][1], strict=True):
        assert (a.train_s, a.elapsed_s) == (b.train_s, b.elapsed_s)


def test_a_training_that_is_cut_off_goes_on_from_its_checkpoint(tmp_path):
    checkpoints = Checkpoints(tmp_path / "case", every=2)
    config = STOPPING.model_copy(update={"patience": 4})

    class Cut(Exception):
        pass

    def cut(epoch):
        if epoch.epoch == 6:
            raise Cut

    together = compiled(config)
    with pytest.raises(Cut):
        fit_together(together, config.epochs, config.patience, cut, checkpoints)
    seen = []
    (result,) = fit_together(
        compiled(config), config.epochs, config.patience, seen.append, checkpoints
    )
    assert seen[0].epoch == 6  # the second call, from the checkpoint after the first
    assert_equal(result, alone(config))


def test_seeds_with_a_teacher_each_are_refused():
    config = CONFIG.model_copy(update={"teacher": Teacher()})
    with pytest.raises(ValueError, match="teacher"):
        compiled(config, (0, 1))


def test_a_learner_brings_a_learner_of_each_other_seed():
    config = DenseConfig(hidden=[8], epochs=3, epochs_per_call=2, seeds_together=2)
    learner = config.build_together((4, 5))
    learner.prepare(TRAIN, VALIDATION)
    histories = [learner.fit(lambda _: None)]
    ((other, history),) = learner.beside
    for seed, made, own in ((4, learner, histories[0]), (5, other, history)):
        single = DenseConfig(hidden=[8], epochs=3).build(seed)
        single.prepare(TRAIN, VALIDATION)
        np.testing.assert_allclose(
            numbers(own), numbers(single.fit(lambda _: None)), rtol=1e-3, atol=1e-5
        )
        expected = single.predict_proba(VALIDATION.images)
        np.testing.assert_allclose(made.predict_proba(VALIDATION.images), expected, atol=1e-3)
        assert made.cost() == single.cost()
