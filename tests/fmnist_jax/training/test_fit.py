from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fmnist_jax.errors import Diverged
from fmnist_jax.training.fit import fit
from fmnist_jax.training.program.engine import Engine
from fmnist_jax.training.program.step import EpochMetrics, Metrics
from fmnist_jax.training.state import TrainState


class Script(NamedTuple):
    """Losses that a pretended training goes through."""

    validation: list[float]
    train: float = 1.0
    finite: bool = True

    def engine(self) -> Engine:
        def train(state, epoch, soft):
            metrics = EpochMetrics(
                jnp.float32(10 * self.train), jnp.float32(5), jnp.bool_(self.finite)
            )
            return TrainState(state.params + 1, {}, ()), metrics

        def evaluate(params, batch_stats):
            return Metrics(jnp.float32(4 * self.validation[int(params) - 1]), jnp.float32(3))

        start = TrainState(jnp.float32(0), {}, ())
        return Engine(start, train, evaluate, 10, 4, 10, 0.0, 0.0, None)


def run(script, epochs, patience):
    seen = []
    (params, _), history = fit(script.engine(), epochs, patience, seen.append)
    assert tuple(seen) == history
    return float(params), history


def test_without_patience_the_last_weights_are_kept():
    params, history = run(Script([3, 1, 2, 5]), 4, None)
    assert params == 4
    assert [epoch.epoch for epoch in history] == [1, 2, 3, 4]


def test_early_stopping_restores_the_best_weights():
    params, history = run(Script([3, 1, 2, 1.5, 0.5]), 5, 2)
    assert params == 2
    assert len(history) == 4


def test_a_later_improvement_resets_the_patience():
    params, history = run(Script([3, 4, 2, 2.5, 1]), 5, 2)
    assert (params, len(history)) == (5, 5)


def test_of_equal_losses_the_first_is_best():
    assert run(Script([1, 1, 1]), 3, 5)[0] == 1


def test_sums_become_means():
    _, (epoch,) = run(Script([0.25], train=2.0), 1, None)
    assert (epoch.train_loss, epoch.train_accuracy) == (2.0, 0.5)
    assert (epoch.validation_loss, epoch.validation_accuracy) == (0.25, 0.75)
    assert 0 < epoch.train_s <= epoch.elapsed_s


@pytest.mark.parametrize("loss", [np.nan, np.inf])
def test_a_loss_that_is_not_finite_stops_the_run(loss):
    with pytest.raises(Diverged, match="epoch 1; lower the learning rate"):
        fit(Script([1], train=loss).engine(), 3, None, lambda _: None)
    with pytest.raises(Diverged, match=r"validation loss .* epoch 2; lower the learning rate"):
        fit(Script([1, loss, 1]).engine(), 3, None, lambda _: None)


def test_a_weight_that_is_not_finite_stops_the_run():
    with pytest.raises(Diverged, match="a weight is not finite after epoch 1; lower the learning"):
        fit(Script([1], finite=False).engine(), 3, None, lambda _: None)


def test_weights_survive_a_round_trip(tmp_path):
    from fmnist_jax.errors import DataError
    from fmnist_jax.training.weights import load, save

    tree = {"params": {"a": {"kernel": np.arange(6.0).reshape(2, 3)}, "b": np.ones(1)}}
    save(tmp_path / "weights.npz", tree)
    jax.tree.map(np.testing.assert_array_equal, load(tmp_path / "weights.npz"), tree)
    (tmp_path / "torn.npz").write_bytes((tmp_path / "weights.npz").read_bytes()[:100])
    for name in ("torn.npz", "missing.npz"):
        with pytest.raises(DataError, match=name):
            load(tmp_path / name)
