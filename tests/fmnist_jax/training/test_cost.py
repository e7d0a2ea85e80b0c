"""The analytic count against XLA's own, over every registered network."""

import jax
import jax.numpy as jnp
import pytest
from flax import linen as nn

from fmnist_jax.learner import LEARNERS
from fmnist_jax.training.cost import ForwardCost, forward_cost
from fmnist_jax.training.learner import FlaxConfig

NETWORKS = [name for name in LEARNERS.catalogue if issubclass(LEARNERS[name], FlaxConfig)]


@pytest.mark.parametrize("name", NETWORKS)
def test_xla_counts_about_the_same(name):
    network = LEARNERS[name]().network("float32")
    image = jax.ShapeDtypeStruct((1, 28, 28, 1), jnp.float32)
    variables = jax.eval_shape(network.init, jax.random.key(0), image)
    # As for an accelerator, where the layers are lowered as they are. XLA adds elementwise
    # work, and leaves out what is multiplied by the zeros of SAME padding: of 3 x 3 windows on
    # maps of 28 pixels 5%, of 4 pixels, as at the end of resnet18, 31%.
    traced = jax.jit(network.apply).trace(variables, image)
    xla = traced.lower(lowering_platforms=("cuda",)).cost_analysis()["flops"]
    ours = forward_cost(network, variables).flops
    assert 0.83 * ours < xla < 1.08 * ours


class Tiny(nn.Module):
    """One product inside a scan of three turns."""

    @nn.compact
    def __call__(self, images, train=False):
        x = nn.Dense(8)(images.reshape(1, -1))
        kernel = self.param("again", nn.initializers.ones, (8, 8))
        return jax.lax.scan(lambda x, _: (x @ kernel, None), x, None, length=3)[0]


def test_by_hand():
    image = jax.ShapeDtypeStruct((1, 28, 28, 1), jnp.float32)
    variables = jax.eval_shape(Tiny().init, jax.random.key(0), image)
    assert forward_cost(Tiny(), variables) == ForwardCost(
        flops=2 * 784 * 8 + 3 * 2 * 8 * 8, bytes=4 * (784 + 8 + 3 * (8 + 8))
    )
