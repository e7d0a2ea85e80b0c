"""Grad-CAM against closed forms: the map of a network whose gradient is known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fmnist_jax.explain.gradcam import gradcam
from fmnist_jax.models.base import Network
from fmnist_jax.models.cnn import CNN
from fmnist_jax.models.resnet import ResNet

IMAGES = jax.random.uniform(jax.random.key(0), (4, 28, 28, 1))
LABELS = jnp.array([3, 1, 4, 1])


def trained(network):
    """Weights that are not those of a fresh start, where many maps would vanish."""
    variables = network.init(jax.random.key(1), IMAGES)
    return jax.tree.map(
        lambda leaf: leaf + 0.05 * jnp.sin(jnp.arange(leaf.size)).reshape(leaf.shape), variables
    )


def enlarged(maps):
    maps = jax.image.resize(jax.nn.relu(maps), (len(maps), 28, 28), "bilinear")
    return np.asarray(maps / maps.max((1, 2), keepdims=True))


def test_with_global_average_pooling_it_is_cam():
    """For pool + Dense the gradient is W / (h w), so Grad-CAM is Zhou et al.'s CAM."""
    network = ResNet()
    variables = trained(network)
    features = network.apply(variables, IMAGES, method="features")
    kernel = variables["params"]["classifier"]["kernel"]  # [32, 10]
    cam = jnp.einsum("bhwc,cb->bhw", features, kernel[:, LABELS])
    np.testing.assert_allclose(
        gradcam(network, variables, IMAGES, LABELS), enlarged(cam), atol=1e-4
    )


def test_against_finite_differences():
    network = CNN()
    variables = trained(network)
    features = np.asarray(network.apply(variables, IMAGES, method="features"), np.float64)

    def logit(f):
        logits = network.apply(variables, jnp.asarray(f, jnp.float32), method="head")
        return np.asarray(logits, np.float64)[np.arange(4), LABELS]

    weights = np.zeros((4, 1, 1, 128))
    step = (
        0.05  # the head is piecewise linear; a channel moved as a whole gives the summed gradient
    )
    for channel in range(128):
        moved = np.zeros_like(features)
        moved[..., channel] = step
        weights[:, 0, 0, channel] = (logit(features + moved) - logit(features - moved)) / (
            2 * step * 9
        )
    expected = enlarged(jnp.asarray((weights * features).sum(-1), jnp.float32))
    ours = gradcam(network, variables, IMAGES, LABELS)
    assert np.abs(ours - expected).mean() < 0.02


@pytest.mark.parametrize("network", [ResNet(), CNN()])
def test_batched_is_single(network):
    variables = trained(network)
    batched = gradcam(network, variables, IMAGES, LABELS)
    for index in range(4):
        single = gradcam(network, variables, IMAGES[index, None], LABELS[index, None])
        np.testing.assert_allclose(single[0], batched[index], atol=1e-4)


def test_range_and_a_class_that_nothing_speaks_for():
    class Against(Network):
        def features(self, images, train=False):
            return images[:, ::4, ::4]

        def head(self, features, train=False):
            total = features.mean((1, 2))
            return jnp.concatenate([total, -total], -1)

    maps = gradcam(Against(), {}, IMAGES[:2], jnp.array([0, 1]))
    assert maps.shape == (2, 28, 28)
    assert float(maps[0].max()) == 1.0
    assert float(maps[0].min()) >= 0.0
    assert not maps[1].any()
