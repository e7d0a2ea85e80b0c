"""LightGBM: when it stops, and what it says where it does not start."""

import builtins

import numpy as np
import pytest

from fmnist_jax.data.drawing.garments import generate
from fmnist_jax.errors import UserError
from fmnist_jax.learner import resolve

TRAIN, VALIDATION = generate(0, 300), generate(1, 100)


def test_trees_stop_by_the_validation_images_and_do_not_depend_on_threads(monkeypatch):
    def fitted(threads):
        monkeypatch.setattr("fmnist_jax.baselines.base.available_cores", lambda: range(threads))
        learner = resolve("lightgbm", {"n_estimators": 200, "patience": 2}).build(0)
        learner.prepare(TRAIN, VALIDATION)
        learner.fit(lambda epoch: None)
        return learner

    one, two = fitted(1), fitted(2)
    assert one._classifier[-1].best_iteration_ < 200
    np.testing.assert_array_equal(*(each.predict_proba(VALIDATION.images) for each in (one, two)))


@pytest.mark.parametrize(("features", "count"), [("differences", 2205), ("pixels", 784)])
def test_the_trees_see_the_features_of_the_config(features, count):
    learner = resolve("lightgbm", {"n_estimators": 2, "features": features}).build(0)
    learner.prepare(TRAIN, VALIDATION)
    learner.fit(lambda epoch: None)
    assert learner._classifier[-1].n_features_in_ == count


def test_lightgbm_that_does_not_start_is_one_line(monkeypatch):
    load = builtins.__import__

    def fail(name, *rest):
        if name == "lightgbm":
            raise OSError("libgomp.so.1: cannot open shared object file")
        return load(name, *rest)

    monkeypatch.setattr(builtins, "__import__", fail)
    with pytest.raises(UserError, match=r"LightGBM does not start \(libgomp.*libgomp1"):
        resolve("lightgbm", {}).build(0)
