"""The maps of the same weights in PyTorch, by its own automatic differentiation."""

import jax
import numpy as np
import pytest

from fmnist_jax.explain.base import METHODS, View
from fmnist_jax.models.cnn import CNN
from fmnist_jax.models.resnet import ResNet
from tests.support.peer_weights import load_torch
from tests.support.small_networks import trained

torch = pytest.importorskip("torch")

IMAGES = np.asarray(jax.random.uniform(jax.random.key(0), (4, 28, 28, 1)))
TARGETS = np.array([3, 1, 4, 1])


def torch_gradients(network, layer):
    """The layer's activations and the gradient of the targets' logits, both [n, h, w, c]."""
    captured = []
    getattr(network, layer).register_forward_hook(lambda _, __, output: captured.append(output))
    logits = network(torch.tensor(IMAGES.transpose(0, 3, 1, 2)))
    evidence = logits[np.arange(4), TARGETS].sum()
    (gradient,) = torch.autograd.grad(evidence, captured[0])
    return [array.detach().numpy().transpose(0, 2, 3, 1) for array in (captured[0], gradient)]


@pytest.mark.parametrize(
    ("name", "network", "layer"),
    [("resnet", ResNet(), "block1"), ("resnet", ResNet(), "block2"), ("cnn", CNN(), "conv2")],
)
def test_maps_are_those_of_pytorch(name, network, layer):
    from fmnist_jax.baselines.reference.pytorch_networks import make_network

    variables = trained(network, IMAGES)
    peer = make_network(name).eval()
    load_torch(peer, variables)
    activations, gradients = torch_gradients(peer, layer)
    expected = {
        "gradcam": gradients.mean((1, 2), keepdims=True) * activations,
        "hirescam": gradients * activations,
        "layercam": np.maximum(gradients, 0) * activations,
    }
    for method, products in expected.items():
        maps = np.asarray(METHODS[method](View(network, variables, layer), IMAGES, TARGETS))
        theirs = np.maximum(products.sum(-1), 0)
        np.testing.assert_allclose(maps, theirs, atol=1e-4 * theirs.max(), err_msg=method)
