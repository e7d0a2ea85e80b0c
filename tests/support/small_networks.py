"""Networks that compile in a moment, and weights under which no map vanishes."""

import flax.linen as nn
import jax
import jax.numpy as jnp


class Pooled(nn.Module):
    """Two convolutions, global average, one dense layer: a head for which Grad-CAM is CAM."""

    classes: int = 3

    def setup(self):
        self.first = nn.Conv(4, (3, 3), strides=4)
        self.second = nn.Conv(5, (3, 3))
        self.classifier = nn.Dense(self.classes)

    def features(self, images):
        return nn.relu(self.second(nn.relu(self.first(images))))

    def head(self, features):
        return self.classifier(features.mean((1, 2)))

    def __call__(self, images):
        return self.head(self.features(images))


class Flattened(Pooled):
    """The same with a head to which places matter."""

    def head(self, features):
        return self.classifier(nn.tanh(features.reshape(len(features), -1)))


class Normalised(nn.Module):
    """One convolution with batch normalisation over all devices, and one dense layer."""

    axis_name: str | None = None

    @nn.compact
    def __call__(self, images, train=False):
        x = nn.Conv(4, (3, 3), strides=4, name="conv")(images)
        x = nn.BatchNorm(not train, axis_name=self.axis_name if train else None, name="norm")(x)
        return nn.Dense(10, name="classifier")(nn.relu(x).reshape(len(x), -1))


class Linear(nn.Module):
    """No convolution: logits are weighted sums of the pixels."""

    classes: int = 2

    @nn.compact
    def __call__(self, images):
        return nn.Dense(self.classes, name="classifier")(images.reshape(len(images), -1))


def trained(network, images, seed=1):
    """Weights that are not those of a fresh start, where many maps would vanish."""
    variables = network.init(jax.random.key(seed), jnp.asarray(images[:1]))
    return jax.tree.map(
        lambda leaf: leaf + 0.05 * jnp.sin(jnp.arange(leaf.size)).reshape(leaf.shape), variables
    )
