"""Two processes train one network together, for real; one is killed on the way."""

import numpy as np
from flax.traverse_util import flatten_dict

from fmnist_jax.data.load import load
from fmnist_jax.data.splits import make_splits
from fmnist_jax.learner import resolve
from tests.support.cutting_off import ending
from tests.support.two_hosts import lose_a_worker

IMAGES = {"train_images": 600, "validation_images": 100, "test_images": 50}
# SGD, since the gradient of a bias before BatchNorm is pure rounding, which Adam blows up;
# and at a rate so low that rounding does not grow from step to step.
HYPER = {"epochs": 5, "batch_size": 60, "optimizer": "sgd", "learning_rate": 0.004}
OPTIONS = [
    *("cnn", "--dataset=synthetic", "--set=checkpoint_every=1", "--set=supplements=false"),
    *(f"--set=data.{name}={value}" for name, value in IMAGES.items()),
    *(f"--set=cnn.{name}={value}" for name, value in HYPER.items()),
]


def trained_here():
    """Weights and history of the same training by one process with two devices."""
    dataset = load("synthetic", None)
    splits = make_splits(dataset, 0, **IMAGES)
    learner = resolve("cnn", HYPER).build(0)
    learner.prepare(splits.train, splits.validation)
    history = learner.fit(lambda epoch: None)
    return flatten_dict(learner.variables, sep="/"), history


def test_two_processes_give_what_two_devices_give_though_one_is_killed(
    tmp_path, cache, monkeypatch
):
    # They compile as this process does, whose training theirs is compared with.
    monkeypatch.setenv("JAX_DISABLE_MOST_OPTIMIZATIONS", "true")
    (codes, said), (codes_again, said_again) = lose_a_worker(tmp_path, cache, *OPTIONS)
    assert codes == [1, 1], said
    assert "error: process 1 was lost; run again to go on" in said[0].splitlines()[-1]
    assert "killed by SIGKILL" in said[1].splitlines()[-1]
    assert codes_again == [0, 0], said_again

    assert not (tmp_path / "1").exists()  # process 0 alone writes
    folder = tmp_path / "0"
    assert len(list(folder.glob("*/*/*/*.json"))) == 2  # the run that failed, and the other
    record, history, weights = ending(folder)
    assert record["machine"]["id"].endswith("-x2hosts")
    assert record["machine"]["cores"] == 2
    assert record["run"]["resumed_from_epoch"] >= 1

    monkeypatch.setenv("FMNIST_CACHE_DIR", str(cache))
    expected, epochs = trained_here()
    assert len(history) == len(epochs)
    # Rounding adds up over the epochs, and may turn the odd image of the hundred over.
    for got, epoch in zip(history, epochs, strict=True):
        for name, value in got.items():
            tolerance = {"atol": 0.031} if "accuracy" in name else {"rtol": 2e-3}
            np.testing.assert_allclose(value, getattr(epoch, name), **tolerance)
    assert weights.keys() == expected.keys()
    for name, value in expected.items():
        got = np.frombuffer(weights[name], np.float32).reshape(value.shape)
        # A bias began at zero and is small, so that rounding is a larger part of it.
        tolerance = 2e-2 if name.endswith("bias") else 2e-3
        assert np.linalg.norm(got - value) < tolerance * np.linalg.norm(value), name
