"""The same networks in Keras on TensorFlow.

`fit` is the reference notebooks' way: `fit` and `predict` on numpy arrays. Both
have a cost per call that weighs on small batches; `on_batch` avoids it.
"""

import time
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from bench.peers.protocol import (
    BETAS,
    VARIANTS,
    Peer,
    Predict,
    Setup,
    Train,
    Trained,
)
from fmnist_jax.baselines.reference.keras_networks import make_network
from fmnist_jax.data.drawing import garments as synthetic
from fmnist_jax.models.blocks import BATCH_NORM_MOMENTUM


def network(setup: Setup) -> Any:
    """A compiled model of uint8 images [b, 28, 28, 1]."""
    flip_seed = setup.seed if setup.flip else None
    model = make_network(setup.model, BATCH_NORM_MOMENTUM, flip_seed)
    model.compile(
        keras.optimizers.Adam(setup.learning_rate, *BETAS, epsilon=setup.epsilon),
        "sparse_categorical_crossentropy",
    )
    return model


class _Clock(keras.callbacks.Callback):
    """When `fit` trained, without what an hour's training pays once.

    Setting up takes it 0.05 to 0.15 s, and taking down up to 1.2 s, in which it waits
    for the thread that tunes the input pipeline.
    """

    began: float | None = None
    ended: float | None = None

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self.began = self.began or time.perf_counter()

    def on_train_end(self, logs: Any = None) -> None:
        self.ended = time.perf_counter()


class Keras:
    """A model with the images beside it, as numpy arrays."""

    predicts = True

    def __init__(self, setup: Setup, on_batch: bool) -> None:
        keras.utils.set_random_seed(setup.seed)
        if setup.accelerated and not tf.config.list_physical_devices("GPU"):
            raise RuntimeError("this TensorFlow was built without the accelerator that jax uses")
        self._on_batch = on_batch
        split = synthetic.generate(setup.seed, setup.images)
        self._images, self._labels = split.images[..., None], split.labels
        self._random = np.random.default_rng(setup.seed)
        self._model = network(setup)

    @property
    def parameters(self) -> int:
        """Weights plus running statistics."""
        return int(self._model.count_params())

    @property
    def versions(self) -> dict[str, str]:
        """Of the packages that do the work."""
        return {"keras": keras.__version__, "tensorflow": tf.__version__}

    def train(self, batch: int) -> Train:
        """Steps beyond an epoch are rounded to whole epochs by `fit`."""
        images, labels = self._images, self._labels
        per_epoch = len(images) // batch

        def fit(steps: int) -> Trained:
            epochs, used = max(1, round(steps / per_epoch)), min(steps, per_epoch) * batch
            clock = _Clock()
            called = time.perf_counter()
            history = self._model.fit(
                images[:used],
                labels[:used],
                batch_size=batch,
                epochs=epochs,
                verbose=0,
                callbacks=[clock],
            )
            once_s = time.perf_counter() - called
            if clock.began and clock.ended:
                once_s -= clock.ended - clock.began
            return Trained(epochs * used, float(history.history["loss"][-1]), once_s)

        def on_batch(steps: int) -> Trained:
            for number in range(steps):
                at = number % per_epoch
                if at == 0:
                    order = self._random.permutation(len(images))
                rows = order[at * batch : (at + 1) * batch]
                loss = self._model.train_on_batch(images[rows], labels[rows])
            return Trained(steps * batch, float(loss))

        return on_batch if self._on_batch else fit

    def predict(self, batch: int) -> Predict:
        """`predict_on_batch`, or `predict` as for any number of images."""
        images = self._images[:batch]
        if self._on_batch:
            return lambda: self._model.predict_on_batch(images)
        return lambda: self._model.predict(images, batch_size=batch, verbose=0)


@VARIANTS.register("keras/fit")
def fit(setup: Setup) -> Peer:
    """Keras fit, predict."""
    return Keras(setup, on_batch=False)


@VARIANTS.register("keras/on_batch")
def on_batch(setup: Setup) -> Peer:
    """Keras on_batch."""
    return Keras(setup, on_batch=True)
