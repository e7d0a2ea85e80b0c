"""The layer shapes and parameter counts that the reference networks have."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax.traverse_util import flatten_dict
from hypothesis import given, settings
from hypothesis import strategies as st

from fmnist_jax.models.cnn import CNN, CNNConfig
from fmnist_jax.models.resnet import ResNet
from fmnist_jax.training.cost import forward_cost
from fmnist_jax.training.state import variables


def initialised(network):
    return network.init(jax.random.key(0), jnp.zeros((1, 28, 28, 1)))


def sizes(variables, collection):
    leaves = flatten_dict(variables[collection], sep="/")
    return {name: leaf.shape for name, leaf in leaves.items()}


def total(tree):
    return sum(leaf.size for leaf in jax.tree.leaves(tree))


def test_resnet_has_38154_parameters_in_the_published_layers():
    variables = initialised(ResNet())
    assert total(variables) == 38_154
    assert total(variables["params"]) == 37_898
    shapes = sizes(variables, "params")
    assert shapes["stem/kernel"] == (3, 3, 1, 32)
    convolutions = [shape for name, shape in shapes.items() if name.endswith("conv1/kernel")]
    convolutions += [shape for name, shape in shapes.items() if name.endswith("conv2/kernel")]
    assert convolutions == [(3, 3, 32, 32)] * 4
    assert shapes["classifier/kernel"] == (32, 10)
    assert len(sizes(variables, "batch_stats")) == 8  # a mean and a variance in four places


def test_cnn_has_241546_parameters_in_the_published_layers():
    variables = initialised(CNN())
    assert total(variables) == 241_546
    shapes = sizes(variables, "params")
    assert shapes["conv1/kernel"] == (3, 3, 1, 32)
    assert shapes["conv2/kernel"] == (3, 3, 32, 64)
    assert shapes["conv3/kernel"] == (3, 3, 64, 128)
    assert shapes["hidden/kernel"] == (1152, 128)
    assert shapes["classifier/kernel"] == (128, 10)


@pytest.mark.parametrize(
    ("network", "wanted"), [(ResNet(), (2, 7, 7, 32)), (CNN(), (2, 3, 3, 128))]
)
def test_shape_of_the_last_feature_map(network, wanted):
    images = jnp.zeros((2, 28, 28, 1))
    features = network.apply(initialised(network), images, method="features")
    assert features.shape == wanted
    assert network.apply(initialised(network), images).dtype == jnp.float32


@pytest.mark.parametrize("network", [ResNet(), CNN()])
def test_head_of_features_is_the_network(network):
    variables = initialised(network)
    images = jax.random.uniform(jax.random.key(1), (3, 28, 28, 1))
    features = network.apply(variables, images, method="features")
    np.testing.assert_allclose(
        network.apply(variables, features, method="head"),
        network.apply(variables, images),
        rtol=1e-5,
        atol=1e-6,
    )


def test_cnn_in_training_is_the_cnn_in_evaluation():
    network = CNN()
    variables = initialised(network)
    images = jax.random.uniform(jax.random.key(1), (3, 28, 28, 1))

    def loss(variables, train):
        return (network.apply(variables, images, train=train) ** 2).sum()

    (trained, seen), (evaluated, whole) = (
        jax.value_and_grad(loss)(variables, train) for train in (True, False)
    )
    np.testing.assert_allclose(trained, evaluated, rtol=1e-5)
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-3, atol=1e-5), seen, whole)


@given(seed=st.integers(0, 2**31 - 1))
@settings(max_examples=5, deadline=None)
def test_batch_norm_is_in_the_weights_of_the_cnn_that_predicts(seed):
    config = CNNConfig(dropout=0.0, sync_batch_norm=False)
    network = config.training_network("float32")
    images = np.random.default_rng(seed).random((6, 28, 28, 1), np.float32)
    made = network.init(jax.random.key(seed), images)
    assert total(made["params"]) == 241_546
    _, changed = network.apply(made, images, train=True, mutable=["batch_stats"])
    weights = params, batch_stats = config.inference_weights(
        (made["params"], changed["batch_stats"])
    )
    assert (total(params), batch_stats) == (241_546, {})
    assert sizes({"params": params}, "params") == sizes(initialised(CNN()), "params")
    np.testing.assert_allclose(
        config.network("float32").apply(variables(*weights), images),
        network.apply(made | changed, images),
        rtol=1e-4,
        atol=1e-5,
    )


def test_without_batch_norm_the_cnn_is_trained_as_it_predicts():
    config = CNNConfig(batch_norm=False)
    assert config.training_network("float32") == config.network("float32")
    weights = {"a": 1}, {}
    assert config.inference_weights(weights) is weights
    assert "batch_norm" not in config.model_dump()  # as in records from before it


def convolution(side, taps, inputs, outputs):
    return 2 * side**2 * taps**2 * inputs * outputs


def test_flops_are_those_of_the_layers():
    resnet = ResNet()
    expected = (
        convolution(28, 3, 1, 32)
        + 2 * convolution(14, 3, 32, 32)
        + 2 * convolution(7, 3, 32, 32)
        + 2 * 32 * 10
    )
    assert forward_cost(resnet, initialised(resnet)).flops == expected
    cnn = CNN()
    expected = (
        convolution(26, 3, 1, 32)
        + convolution(11, 3, 32, 64)
        + convolution(3, 3, 64, 128)
        + 2 * (1152 * 128 + 128 * 10)
    )
    assert forward_cost(cnn, initialised(cnn)).flops == expected


def test_bfloat16_computes_in_bfloat16_with_float32_weights_and_logits():
    network = ResNet(dtype="bfloat16")
    variables = initialised(network)
    assert {leaf.dtype for leaf in jax.tree.leaves(variables)} == {jnp.dtype("float32")}
    images = jax.random.uniform(jax.random.key(1), (3, 28, 28, 1))
    assert network.apply(variables, images, method="features").dtype == jnp.bfloat16
    logits = network.apply(variables, images)
    assert logits.dtype == jnp.float32
    np.testing.assert_allclose(logits, ResNet().apply(variables, images), atol=0.1)
