"""The methods against closed forms, finite differences and numpy."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fmnist_jax.errors import UserError
from fmnist_jax.explain.base import METHODS, View, explain, scaled
from fmnist_jax.explain.layers import feature_maps, predict_logits, weighted_layers
from fmnist_jax.explain.methods import guided_gradcam, integrated_gradients
from fmnist_jax.models.resnet import ResNet
from tests.support.small_networks import Flattened, Linear, Pooled, trained

IMAGES = np.asarray(jax.random.uniform(jax.random.key(0), (5, 28, 28, 1)))
TARGETS = np.array([2, 1, 0, 1, 2])
POOLED = trained(Pooled(), IMAGES)
FLATTENED = trained(Flattened(), IMAGES)


def features_of(network, variables):
    return network.apply(variables, IMAGES, method="features")


def test_with_global_average_pooling_gradcam_and_hirescam_are_cam():
    """For pool + Dense the gradient is W / (h w), so both are Zhou et al.'s CAM."""
    kernel = POOLED["params"]["classifier"]["kernel"]
    cam = jnp.einsum("bhwc,cb->bhw", features_of(Pooled(), POOLED), kernel[:, TARGETS])
    expected = scaled(jax.nn.relu(cam))
    for method in ("gradcam", "hirescam"):
        maps = explain(Pooled(), POOLED, IMAGES, TARGETS, method)
        np.testing.assert_allclose(maps, expected, atol=1e-5, err_msg=method)


def test_the_resnet_has_a_pooled_head():
    network = ResNet(width=4)
    variables = trained(network, IMAGES)
    kernel = variables["params"]["classifier"]["kernel"]
    cam = jnp.einsum("bhwc,cb->bhw", features_of(network, variables), kernel[:, TARGETS])
    maps = explain(network, variables, IMAGES, TARGETS)
    np.testing.assert_allclose(maps, scaled(jax.nn.relu(cam)), atol=1e-4)


def numeric_gradients(network, variables):
    """Of the target's logit, by central differences in float64 over every place and channel."""
    with jax.enable_x64(True):
        wide = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), variables)
        features = np.asarray(features_of(network, variables), np.float64)

        @jax.jit
        def logits(batch):
            return network.apply(wide, batch, method="head")

        gradients = np.zeros_like(features)
        step = 1e-5
        for place in np.ndindex(features.shape[1:]):
            moved = np.zeros_like(features)
            moved[(slice(None), *place)] = step
            rise = np.asarray(logits(features + moved) - logits(features - moved))
            gradients[(slice(None), *place)] = rise[np.arange(5), TARGETS] / (2 * step)
    return features, gradients


def test_the_gradient_methods_against_finite_differences():
    features, gradients = numeric_gradients(Flattened(), FLATTENED)
    relu = lambda x: np.maximum(x, 0)  # noqa: E731
    below = 2 * gradients**2 + features.sum((1, 2), keepdims=True) * gradients**3
    shares = np.divide(gradients**2, below, out=np.zeros_like(below), where=below != 0)
    expected = {
        "gradcam": gradients.mean((1, 2), keepdims=True) * features,
        "gradcam_plus_plus": (shares * relu(gradients)).sum((1, 2), keepdims=True) * features,
        "hirescam": gradients * features,
        "layercam": relu(gradients) * features,
    }
    for method, products in expected.items():
        relevance = jnp.asarray(relu(products.sum(-1)), jnp.float32)
        maps = explain(Flattened(), FLATTENED, IMAGES, TARGETS, method)
        np.testing.assert_allclose(maps, scaled(relevance), atol=2e-4, err_msg=method)


def test_eigencam_is_the_first_principal_component():
    features = np.asarray(features_of(Flattened(), FLATTENED)).reshape(5, 49, -1)
    for places, heatmap in zip(
        features, explain(Flattened(), FLATTENED, IMAGES, TARGETS, "eigencam"), strict=True
    ):
        _, _, right = np.linalg.svd(places)
        component = np.abs(places @ right[0]).reshape(1, 7, 7)
        np.testing.assert_allclose(heatmap, scaled(jnp.asarray(component))[0], atol=1e-4)


def test_scorecam_against_a_loop_over_channels():
    view = View(Flattened(), FLATTENED)
    features = np.asarray(features_of(Flattened(), FLATTENED))
    scores = []
    for channel in np.moveaxis(features, -1, 0):
        mask = np.asarray(jax.image.resize(channel, (5, 28, 28), "bilinear"))
        low, high = mask.min((1, 2), keepdims=True), mask.max((1, 2), keepdims=True)
        mask = (mask - low) / np.where(high > low, high - low, 1)
        scores.append(view.logits(IMAGES * mask[..., None])[np.arange(5), TARGETS])
    weights = jax.nn.softmax(jnp.stack(scores), 0)
    expected = jax.nn.relu(jnp.einsum("cn,nhwc->nhw", weights, features))
    maps = explain(Flattened(), FLATTENED, IMAGES, TARGETS, "scorecam")
    np.testing.assert_allclose(maps, scaled(expected), atol=1e-5)


def test_the_gradient_of_a_linear_network_is_its_weights():
    weights = np.abs(np.sin(np.arange(3 * 784))).reshape(784, 3).astype(np.float32)

    class Weighted(nn.Module):
        @nn.compact
        def __call__(self, images):
            shrunk = nn.Conv(1, (1, 1), name="conv", kernel_init=nn.initializers.ones)(images)
            return shrunk.reshape(len(images), -1) @ weights

    variables = Weighted().init(jax.random.key(0), IMAGES)
    view = View(Weighted(), variables, "conv")
    for method in ("gradient", "integrated_gradients"):
        relevance = METHODS[method](view, jnp.asarray(IMAGES), jnp.asarray(TARGETS))
        expected = weights[:, TARGETS].T.reshape(5, 28, 28)
        if method == "integrated_gradients":
            expected = expected * IMAGES[..., 0]
        np.testing.assert_allclose(relevance, expected, rtol=1e-4, err_msg=method)


def test_integrated_gradients_are_complete():
    view = View(Flattened(), FLATTENED)
    given = integrated_gradients.attributions(view, jnp.asarray(IMAGES), TARGETS, steps=512)
    ends = [view.logits(images)[np.arange(5), TARGETS] for images in (IMAGES, 0 * IMAGES)]
    np.testing.assert_allclose(given.sum((1, 2)), ends[0] - ends[1], rtol=1e-2, atol=5e-4)


def test_guided_backpropagation_stops_what_is_negative():
    """Against the backward pass written out for two dense layers."""
    first, second = np.random.default_rng(0).normal(size=(2, 784, 784)).astype(np.float32)

    class Two(nn.Module):
        def setup(self):
            self.conv = nn.Conv(1, (1, 1), kernel_init=nn.initializers.ones)

        def __call__(self, images):
            hidden = nn.relu(self.conv(images).reshape(len(images), -1) @ first)
            return nn.relu(hidden @ second)

    variables = Two().init(jax.random.key(0), IMAGES)
    ours = guided_gradcam.guided_backpropagation(View(Two(), variables), IMAGES, TARGETS)
    hidden = IMAGES.reshape(5, -1) @ first
    last = np.maximum(hidden, 0) @ second
    back = np.zeros_like(last)
    back[np.arange(5), TARGETS] = last[np.arange(5), TARGETS] > 0
    back = np.maximum(back @ second.T, 0) * (hidden > 0)
    np.testing.assert_allclose(ours.reshape(5, -1), back @ first.T, rtol=1e-3, atol=1e-2)


def test_guided_backpropagation_reaches_the_relus_inside_fused_layers():
    """With its relu plain it must be the gradient, which goes the fused layers' own way."""
    network = ResNet(width=4)
    variables = trained(network, IMAGES)
    view, images = View(network, variables), jnp.asarray(IMAGES[:2])
    targets = jnp.asarray(TARGETS[:2])
    guided = guided_gradcam.guided_backpropagation(view, images, targets)
    plain = view.image_gradients(images, targets)[..., 0]
    assert guided.shape == plain.shape
    assert not np.allclose(guided, plain, atol=1e-4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(guided_gradcam, "guided_relu", jax.nn.relu)
        same = guided_gradcam.guided_backpropagation(view, images, targets)
    np.testing.assert_allclose(same, plain, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("method", METHODS.catalogue)
def test_every_method_gives_each_image_its_own_map_in_range(method):
    maps = explain(Flattened(), FLATTENED, IMAGES, TARGETS, method)
    assert maps.shape == (5, 28, 28)
    assert maps.dtype == np.float32
    np.testing.assert_allclose(maps.max((1, 2)), 1.0)
    assert maps.min() >= 0
    single = explain(Flattened(), FLATTENED, IMAGES[3:4], TARGETS[3:4], method)
    np.testing.assert_allclose(single[0], maps[3], atol=1e-4)


@pytest.mark.parametrize("layer", ["first", "second", "features"])
def test_every_feature_map_can_be_explained(layer):
    """A layer that feeds `features` through a relu has that relu's gradient."""
    view = View(Pooled(), POOLED, layer)
    activations, gradients = view.gradients(jnp.asarray(IMAGES), jnp.asarray(TARGETS))
    assert activations.shape == gradients.shape
    assert activations.shape[1:] == feature_maps(Pooled(), POOLED)[layer]
    kernel = POOLED["params"]["classifier"]["kernel"][:, TARGETS].T[:, None, None] / 49
    if layer == "features":
        np.testing.assert_allclose(gradients, np.broadcast_to(kernel, gradients.shape), rtol=1e-5)
    if layer == "second":
        np.testing.assert_allclose(gradients, kernel * (activations > 0), rtol=1e-5, atol=1e-8)
    logits = view.logits(jnp.asarray(IMAGES), activations)
    np.testing.assert_allclose(logits, predict_logits(Pooled(), POOLED, IMAGES), rtol=1e-5)


def test_layers_are_named_in_the_order_of_computation():
    variables = trained(ResNet(width=4), IMAGES)
    names = list(feature_maps(ResNet(width=4), variables))
    assert names[0] == "stem"
    assert names[-1] == "features"
    assert names.index("block1/conv2") < names.index("block1") < names.index("block2/conv1")
    assert weighted_layers(ResNet(width=4), variables)[-1] == ("classifier",)


def test_a_class_that_nothing_speaks_for_has_no_heat():
    class Against(nn.Module):
        def setup(self):
            self.conv = nn.Conv(1, (2, 2), strides=4, kernel_init=nn.initializers.ones)

        def __call__(self, images):
            total = self.conv(images).mean((1, 2))
            return jnp.concatenate([total, -total], -1)

    variables = Against().init(jax.random.key(0), IMAGES)
    maps = explain(Against(), variables, IMAGES[:2], np.array([0, 1]), layer="conv")
    assert maps[0].max() == 1
    assert not maps[1].any()


@pytest.mark.parametrize("wrong", [99, 3, -1])
def test_a_class_that_does_not_exist(wrong):
    with pytest.raises(UserError, match=f"no class {wrong}: choose 0 to 2"):
        explain(Pooled(), POOLED, IMAGES, np.array([0, wrong, 1, 1, 1]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "gradcan"}, "unknown method 'gradcan': did you mean 'gradcam'"),
        ({"layer": "secnd"}, "unknown layer 'secnd': did you mean 'second'"),
    ],
)
def test_a_name_that_does_not_exist(options, message):
    with pytest.raises(UserError, match=message):
        explain(Pooled(), POOLED, IMAGES, TARGETS, **options)


def test_a_network_without_convolutions():
    variables = trained(Linear(), IMAGES)
    assert feature_maps(Linear(), variables) == {}
    with pytest.raises(UserError, match="Linear has no feature maps"):
        explain(Linear(), variables, IMAGES, np.zeros(5, int))


def test_no_images_have_no_maps():
    assert explain(Pooled(), POOLED, IMAGES[:0], TARGETS[:0]).shape == (0, 28, 28)
