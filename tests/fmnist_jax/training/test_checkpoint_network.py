"""Networks cut off between checkpoints."""

from dataclasses import asdict

import flax.linen as nn
import numpy as np
import pytest

from fmnist_jax.data.dataset import Split
from fmnist_jax.history import Checkpoints
from fmnist_jax.training.learner import FlaxConfig
from tests.fmnist_jax.training.test_checkpoint import same


class Tiny(nn.Module):
    """All kinds of state in little to compile: weights, running averages, dropout's randomness."""

    @nn.compact
    def __call__(self, images, train=False):
        x = nn.BatchNorm(use_running_average=not train, momentum=0.9)(images[:, ::4, ::4])
        x = nn.Dropout(0.2, deterministic=not train)(x.reshape(len(x), -1))
        return nn.Dense(10)(x)


class TinyConfig(FlaxConfig):
    def network(self, dtype):
        return Tiny()


class Killed(Exception):
    pass


def train(config, checkpoints=None, killed_in=None):
    """Weights and history without times; `killed_in` cuts it off at the end of that epoch."""
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (96, 28, 28), np.uint8)
    data = Split(images, random.integers(0, 10, 96).astype(np.uint8))
    held_out = Split(images[:32], random.integers(0, 10, 32).astype(np.uint8))

    def on_epoch(epoch):
        if epoch.epoch == killed_in:
            raise Killed

    learner = config.build(seed=3)
    learner.prepare(data, held_out)
    history = learner.fit(on_epoch, checkpoints)
    timeless = [{k: v for k, v in asdict(e).items() if not k.endswith("_s")} for e in history]
    return learner.variables, timeless


@pytest.mark.parametrize(
    "changes",
    [
        {"optimizer": "adamw", "weight_decay": 0.01},
        {"optimizer": "sgd", "patience": 4, "learning_rate": 0.02, "epochs": 12},
    ],
    ids=["adamw", "early stopping"],
)
def test_a_network_cut_off_twice_ends_as_if_it_had_not_been(tmp_path, changes):
    config = TinyConfig.model_validate({"epochs": 8, "batch_size": 32} | changes)
    weights, history = train(config)
    if config.patience:
        assert 5 < len(history) < config.epochs  # or the decision is not tested
    checkpoints = Checkpoints(tmp_path / "case", 2)
    for epoch in (3, 5):
        with pytest.raises(Killed):
            train(config, checkpoints, killed_in=epoch)
    resumed_weights, resumed_history = train(config, checkpoints)
    assert resumed_history == history
    same(resumed_weights, weights)
