"""The two networks in Keras."""

from functools import partial
from typing import Any

import keras
from keras import layers

from fmnist_jax.baselines.reference.base import BATCH_NORM_EPSILON

_relu = partial(layers.Activation, "relu")
_same = partial(layers.Conv2D, 32, 3, padding="same")


def _norm(name: str, momentum: float) -> Any:
    return layers.BatchNormalization(momentum=momentum, epsilon=BATCH_NORM_EPSILON, name=name)


def _block(x: Any, name: str, momentum: float) -> Any:
    y = _relu()(_norm(f"{name}_norm1", momentum)(_same(name=f"{name}_conv1")(x)))
    y = _norm(f"{name}_norm2", momentum)(_same(name=f"{name}_conv2")(y))
    return _relu()(layers.add([x, y]))


def _resnet(x: Any, momentum: float) -> Any:
    """[b, 28, 28, 1] in [0, 1] -> probabilities [b, 10]; 38,154 parameters."""
    x = layers.MaxPooling2D()(_same(activation="relu", name="stem")(x))
    x = layers.MaxPooling2D()(_block(x, "block1", momentum))
    x = layers.GlobalAveragePooling2D()(_block(x, "block2", momentum))
    return layers.Dense(10, activation="softmax", name="classifier")(x)


def _cnn(x: Any, momentum: float) -> Any:
    """[b, 28, 28, 1] in [0, 1] -> probabilities [b, 10]; 241,546 parameters."""
    x = layers.MaxPooling2D()(layers.Conv2D(32, 3, activation="relu", name="conv1")(x))
    x = layers.MaxPooling2D()(layers.Conv2D(64, 3, activation="relu", name="conv2")(x))
    x = layers.Conv2D(128, 3, activation="relu", name="conv3")(x)
    x = layers.Dense(128, activation="relu", name="hidden")(layers.Flatten()(x))
    return layers.Dense(10, activation="softmax", name="classifier")(x)


def make_network(name: str, momentum: float, flip_seed: int | None = None) -> Any:
    """Return a Keras model of uint8 images [b, 28, 28, 1], which it scales itself.

    Args:
        name: resnet or cnn.
        momentum: of the running statistics, the share of the old value.
        flip_seed: mirror images at random while training, by this seed; None: never.
    """
    images = keras.Input((28, 28, 1), dtype="uint8")
    x = layers.Rescaling(1 / 255)(images)
    if flip_seed is not None:
        x = layers.RandomFlip("horizontal", seed=flip_seed)(x)
    return keras.Model(images, {"resnet": _resnet, "cnn": _cnn}[name](x, momentum))
