import numpy as np
import pytest

from fmnist_jax.models.resnet import ResNetConfig
from fmnist_jax.training.program.learning_rate import make_schedule, scale_learning_rate

RATE = 0.1


@pytest.mark.parametrize("name", ["constant", "cosine", "onecycle"])
@pytest.mark.parametrize("warmup", [0.0, 0.25])
def test_schedules_rise_to_the_peak_and_fall_as_named(name, warmup):
    rate = make_schedule(ResNetConfig(learning_rate=RATE, schedule=name, warmup=warmup), 100)
    values = np.array([float(rate(step)) for step in range(101)])
    assert values.max() == pytest.approx(RATE, rel=1e-3)
    assert values[int(100 * warmup)] == pytest.approx(RATE, rel=1e-3)
    assert np.all(np.diff(values[: int(100 * warmup)]) > 0)
    if name == "constant":
        assert values[-1] == pytest.approx(RATE)
    else:
        assert values[-1] < 1e-3 * RATE
        assert np.all(np.diff(values[int(100 * warmup) :]) <= 1e-9)


@pytest.mark.parametrize(("optimizer", "factor"), [("sgd", 16), ("adamw", 4), ("muon", 4)])
def test_the_rate_follows_an_automatic_batch(optimizer, factor):
    config = ResNetConfig(optimizer=optimizer, learning_rate=0.01)
    scaled = scale_learning_rate(config, 16 * config.base_batch_size)
    assert scaled.learning_rate == pytest.approx(0.01 * factor)
    assert scale_learning_rate(config, config.base_batch_size) == config
    asked = config.model_copy(update={"batch_size": 2048})
    assert scale_learning_rate(asked, 2048) == asked
