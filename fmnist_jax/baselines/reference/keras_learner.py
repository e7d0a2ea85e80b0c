"""Train a network in Keras by `fit`, and ask it by `predict`, on numpy arrays."""

import time
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from fmnist_jax.baselines.reference.base import ReferenceConfig, check_finite
from fmnist_jax.baselines.reference.keras_networks import make_network
from fmnist_jax.data.dataset import Images, Split
from fmnist_jax.history import Checkpoints, Epoch, ModelCost, Prepared
from fmnist_jax.learner import Probabilities

BATCH = 1000  # of a prediction
# Measured for Keras' good: by its default of 0.99 the running statistics lag so far behind a
# constant rate that validation ended at 0.735 where training had 0.953.
MOMENTUM = 0.9


class KerasLearner:
    """A compiled model with its data beside it.

    Args:
        network: resnet or cnn.
        config: of its training.
        seed: of weights and order.

    Attributes:
        device: cpu or gpu.
    """

    def __init__(self, network: str, config: ReferenceConfig, seed: int) -> None:
        keras.utils.set_random_seed(seed)
        self.device = "gpu" if tf.config.list_physical_devices("GPU") else "cpu"
        self._config = config
        self._model = make_network(network, MOMENTUM)
        self._splits: tuple[Split, Split] | None = None

    def prepare(self, train: Split, validation: Split) -> Prepared:
        """Train and validate on a batch or two, which compiles, and take the weights back."""
        self._splits = train, validation
        began = time.perf_counter()
        self._model.compile(
            keras.optimizers.Adam(self._config.learning_rate),
            "sparse_categorical_crossentropy",
            metrics=["accuracy"],
        )
        optimizer = self._model.optimizer
        optimizer.build(self._model.trainable_variables)
        variables = [*self._model.variables, *optimizer.variables]
        before = [variable.numpy().copy() for variable in variables]
        # Where a last batch is smaller, Keras traces for batches of any size, so here too.
        size = self._config.batch_size
        few = _first(train, size + len(train) % size)
        self._fit(few, _first(validation, BATCH + len(validation) % BATCH), epochs=1)
        for variable, value in zip(variables, before, strict=True):
            variable.assign(value)
        return Prepared(compile_s=time.perf_counter() - began)

    def fit(
        self, on_epoch: Callable[[Epoch], None], checkpoints: Checkpoints | None = None
    ) -> tuple[Epoch, ...]:
        """Train all epochs, with validation after each; checkpoints are not written.

        Raises:
            Diverged: the loss is not finite.
        """
        if self._splits is None:
            raise RuntimeError("fit needs prepare first")
        recorder = _Recorder(len(self._splits[0]), on_epoch)
        self._fit(*self._splits, self._config.epochs, recorder)
        self._splits = None
        return tuple(recorder.history)

    def _fit(self, train: Split, validation: Split, epochs: int, *callbacks: Any) -> None:
        self._model.fit(
            train.images[..., None],
            train.labels,
            batch_size=self._config.batch_size,
            epochs=epochs,
            validation_data=(validation.images[..., None], validation.labels),
            validation_batch_size=BATCH,
            callbacks=list(callbacks),
            verbose=0,
        )

    def predict_proba(self, images: Images) -> Probabilities:
        """Map uint8 [n, 28, 28] to float32 [n, 10]."""
        return np.asarray(self._model.predict(images[..., None], batch_size=BATCH, verbose=0))

    def cost(self) -> ModelCost:
        """Return the sizes of the weights."""
        stored = int(self._model.count_params())
        trainable = sum(int(np.prod(w.shape)) for w in self._model.trainable_variables)
        return ModelCost(
            parameters=stored,
            trainable_parameters=trainable,
            flops_per_image=None,
            model_bytes=4 * stored,
            batch_size=self._config.batch_size,
        )


class _Recorder(keras.callbacks.Callback):
    """Make an `Epoch` of each of Keras's."""

    def __init__(self, images: int, on_epoch: Callable[[Epoch], None]) -> None:
        super().__init__()
        self.history: list[Epoch] = []
        self._images, self._on_epoch = images, on_epoch
        self._fit_began = self._began = self._trained = time.perf_counter()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._began = time.perf_counter()

    def on_test_begin(self, logs: Any = None) -> None:
        self._trained = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        now = time.perf_counter()
        made = Epoch(
            epoch=epoch + 1,
            train_loss=float(logs["loss"]),
            train_accuracy=float(logs["accuracy"]),
            validation_loss=float(logs["val_loss"]),
            validation_accuracy=float(logs["val_accuracy"]),
            train_s=self._trained - self._began,
            elapsed_s=now - self._fit_began,
            images=self._images,
        )
        self.history.append(check_finite(made))
        self._on_epoch(made)


def _first(split: Split, images: int) -> Split:
    return Split(split.images[:images], split.labels[:images])
