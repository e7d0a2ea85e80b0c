"""Which layers come from another training, and which stay as they came."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fmnist_jax.data.drawing.garments import generate
from fmnist_jax.errors import DataError
from fmnist_jax.experiments import transfer
from fmnist_jax.experiments.transfer import CONVOLUTIONS
from fmnist_jax.learner import resolve

TRAIN, VALIDATION = generate(0, 60), generate(1, 20)


class Teacher:
    """In the place of the training on MNIST, whose weights are all ones."""

    def __init__(self, config, seed):
        self.trained = jax.tree.map(jnp.ones_like, drawn(config))

    def prepare(self, train, validation):
        assert len(train) + len(validation) == len(TRAIN)

    def fit(self, on_epoch):
        """Nothing is left to do."""


def drawn(config):
    network = config.training_network("float32")
    made = jax.jit(network.init)(jax.random.key(0), jnp.zeros((1, 28, 28, 1)))
    return made["params"], made["batch_stats"]


@pytest.mark.parametrize("mode", ["frozen", "finetune", "scratch"])
def test_convolutions_come_from_the_other_training_and_stay_if_frozen(monkeypatch, mode):
    monkeypatch.setattr(transfer, "load_mnist_training", lambda: TRAIN)
    monkeypatch.setattr(transfer, "FlaxLearner", Teacher)
    config = resolve("transfer", {"mode": mode, "epochs": 1, "batch_size": 20})
    weights = drawn(config)
    params, _ = config.initial_weights(weights, TRAIN, 0)
    for layer in weights[0]:
        is_taken = all(np.all(np.asarray(leaf) == 1) for leaf in params[layer].values())
        assert is_taken == (mode != "scratch" and layer in CONVOLUTIONS)

    learner = config.build(0)
    learner.prepare(TRAIN, VALIDATION)
    learner.fit(lambda epoch: None)
    stays = np.all(np.asarray(learner.trained[0]["conv2"]["kernel"]) == 1)
    assert stays == (mode == "frozen")
    assert not np.all(learner.variables["params"]["hidden"]["bias"] == 0)


def test_without_mnist_it_is_one_line(monkeypatch):
    def missing():
        raise DataError("MNIST's training set is not here: put it into ...")

    monkeypatch.setattr(transfer, "load_mnist_training", missing)
    learner = resolve("transfer", {"epochs": 1}).build(0)
    with pytest.raises(DataError, match="not here"):
        learner.prepare(TRAIN, VALIDATION)
