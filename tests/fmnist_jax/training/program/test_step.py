"""One step of training against its formula in float64."""

import flax.linen as nn
import jax
import numpy as np
import optax
import pytest

from fmnist_jax.models.dense import DenseConfig
from fmnist_jax.training.program.step import Targets, train_step
from fmnist_jax.training.state import TrainState

GENERATOR = np.random.default_rng(0)
BATCH, CLASSES, AXIS = 6, 10, "device"


class Linear(nn.Module):
    """Logits that are a product of all pixels."""

    @nn.compact
    def __call__(self, images, train=False):
        return nn.Dense(CLASSES, use_bias=False)(images.reshape(len(images), -1))


def gradient_of(config, images, labels, key):
    """Return the step of plain gradient descent at rate 1, and the gradient's metrics."""
    network, optimizer = Linear(), optax.sgd(1.0)
    params = network.init(jax.random.key(1), images)["params"]
    state = TrainState(params, {}, optimizer.init(params), None)

    def step(images):
        return train_step(network, optimizer, config, AXIS, state, images, Targets(labels), key)

    after, metrics = jax.vmap(step, axis_name=AXIS)(images[None])
    kernel = np.asarray(params["Dense_0"]["kernel"], np.float64)
    return kernel, kernel - np.asarray(after.params["Dense_0"]["kernel"][0]), metrics


@pytest.mark.parametrize("alpha", [0.0, 0.2, 1.0])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_mixed_images_have_mixed_targets(alpha, smoothing):
    images = GENERATOR.random((BATCH, 28, 28, 1)).astype(np.float32)
    labels = GENERATOR.integers(0, CLASSES, BATCH)
    config = DenseConfig(mixup=alpha, label_smoothing=smoothing)
    key = jax.random.key(7)
    kernel, gradient, metrics = gradient_of(config, images, labels, key)

    share = 1.0
    if alpha:
        drawn = float(jax.random.beta(jax.random.split(key)[1], alpha, alpha))
        share = max(drawn, 1 - drawn)
        assert 0.5 < share < 1
    flat = images.reshape(BATCH, -1).astype(np.float64)
    wanted = np.eye(CLASSES)[labels] * (1 - smoothing) + smoothing / CLASSES
    flat, wanted = (share * a + (1 - share) * a[::-1] for a in (flat, wanted))
    logits = flat @ kernel
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose(
        gradient, flat.T @ (probabilities - wanted) / BATCH, rtol=1e-4, atol=1e-5
    )
    np.testing.assert_allclose(metrics.loss, -(wanted * np.log(probabilities)).sum(), rtol=1e-5)
    assert metrics.correct == (logits.argmax(1) == labels).sum()
