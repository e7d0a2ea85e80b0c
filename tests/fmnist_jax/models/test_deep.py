"""The networks for accelerators, in the sizes that others publish."""

import jax
import jax.numpy as jnp
import pytest

from fmnist_jax.learner import resolve
from fmnist_jax.models.accelerator.resnet18 import DeepResNet
from fmnist_jax.models.accelerator.wide_resnet import WideResNet


@pytest.mark.parametrize(
    ("name", "published", "stem"),
    [  # for CIFAR-10: three channels in place of one
        ("resnet18", 11_173_962, 64),
        ("resnet34", 21_282_122, 64),
        ("wide_resnet", 36_479_194, 16),
    ],
)
def test_parameters_are_the_published_ones(name, published, stem):
    network = resolve(name, {}).network("bfloat16")
    shapes = jax.eval_shape(network.init, jax.random.key(0), jnp.zeros((1, 28, 28, 1)))
    assert sum(leaf.size for leaf in jax.tree.leaves(shapes["params"])) == published - 18 * stem


@pytest.mark.parametrize(
    ("network", "wanted"),
    [(DeepResNet((1, 1, 1, 1), 4), (2, 4, 4, 32)), (WideResNet(1, 1), (2, 7, 7, 64))],
)
def test_the_head_of_the_features_is_the_network(network, wanted):
    images = jax.random.uniform(jax.random.key(1), (2, 28, 28, 1))

    @jax.jit
    def both():
        variables = network.init(jax.random.key(0), images)
        features = network.apply(variables, images, method="features")
        logits = network.apply(variables, images)
        return features, logits, network.apply(variables, features, method="head") - logits

    features, logits, difference = both()
    assert features.shape == wanted
    assert logits.shape == (2, 10)
    assert logits.dtype == jnp.float32
    assert jnp.abs(difference).max() < 1e-5
