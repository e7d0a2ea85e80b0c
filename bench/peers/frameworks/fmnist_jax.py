"""This suite's networks, trained by its engine as `bench run` does."""

from functools import partial
from importlib import metadata
from itertools import count
from typing import Any

import jax
import numpy as np

from bench.peers.protocol import (
    VARIANTS,
    Peer,
    Predict,
    Setup,
    Train,
    Trained,
)
from fmnist_jax.data.augment import Augment
from fmnist_jax.data.dataset import Split
from fmnist_jax.data.drawing import garments as synthetic
from fmnist_jax.learner import resolve
from fmnist_jax.training.learner import FlaxConfig
from fmnist_jax.training.predictor import Predictor, prediction_devices
from fmnist_jax.training.program.engine import compile_engine
from fmnist_jax.training.program.optimizer import make_optimizer
from fmnist_jax.training.state import initial_state

DEFAULT_EPSILON = 1e-8  # of optax, which the suite's optimizer leaves as it is
# Calls that the devices may have before them. With many, the collectives of two CPU devices can
# wait for each other until XLA aborts the process (jaxlib 0.10).
IN_FLIGHT = 8


def config(setup: Setup, batch: int) -> FlaxConfig:
    """Plain Adam at a constant rate, no dropout, no augmentation but the flip."""
    if setup.epsilon != DEFAULT_EPSILON:
        raise ValueError(f"the suite's Adam has epsilon {DEFAULT_EPSILON}, not {setup.epsilon}")
    changes: dict[str, Any] = {
        "epochs": 1,
        "batch_size": batch,
        "optimizer": "adam",
        "learning_rate": setup.learning_rate,
        "schedule": "constant",
        "warmup": 0.0,
        "weight_decay": 0.0,
        "label_smoothing": 0.0,
        "augment": Augment(flip=setup.flip),
        "dtype": "float32",
    }
    if setup.model == "cnn":
        changes["dropout"] = 0.0
    made = resolve(setup.model, changes)
    assert isinstance(made, FlaxConfig)
    return made


class Ours:
    """The engine over all local devices.

    Args:
        setup: what all entrants have in common.
        steps_per_call: scanned in one call of the compiled epoch; None: all that
            the images give.
    """

    def __init__(self, setup: Setup, steps_per_call: int | None) -> None:
        self.predicts = steps_per_call is None
        self._setup = setup
        self._steps_per_call = steps_per_call
        self._split = synthetic.generate(setup.seed, setup.images)
        self._devices = jax.local_devices()
        made = config(setup, 1)
        self._network = made.network("float32")
        start = partial(initial_state, self._network, make_optimizer(made, 1))
        state = jax.jit(start)(jax.random.key(setup.seed))
        self.params, self.batch_stats = jax.device_get((state.params, state.batch_stats))

    @property
    def parameters(self) -> int:
        """Weights plus running statistics."""
        return sum(leaf.size for leaf in jax.tree.leaves((self.params, self.batch_stats)))

    @property
    def versions(self) -> dict[str, str]:
        """Of the packages that do the work."""
        return {name: metadata.version(name) for name in ("jax", "jaxlib", "flax", "optax")}

    def train(self, batch: int) -> Train:
        """Compile an epoch; whole epochs are run, so steps are rounded up to them."""
        steps = self._steps_per_call or len(self._split) // batch
        train = self._first(steps * batch)
        made = compile_engine(
            self._network,
            config(self._setup, batch),
            train,
            self._first(len(self._devices)),
            self._setup.seed,
            self._devices,
        )
        state, calls = made.state, count()

        def run(wanted: int) -> Trained:
            nonlocal state
            epochs = -(-wanted // steps)
            for number in range(1, epochs + 1):
                state, metrics = made.train(state, next(calls))
                if number % IN_FLIGHT == 0:
                    jax.block_until_ready(metrics)
            jax.block_until_ready(state)
            images = made.images_per_epoch
            return Trained(epochs * images, float(metrics.loss) / images)

        return run

    def predict(self, batch: int) -> Predict:
        """The predictor that serves the suite's learners."""
        devices = prediction_devices(self._devices)
        predictor = Predictor(self._network, self.params, self.batch_stats, devices)
        return partial(predictor, self._split.images[:batch])

    def _first(self, images: int) -> Split:
        # Contiguous, as a dataset is.
        cut = (self._split.images[:images], self._split.labels[:images])
        return Split(*map(np.ascontiguousarray, cut))


@VARIANTS.register("ours/scan")
def scan(setup: Setup) -> Peer:
    """fmnist-jax."""
    return Ours(setup, steps_per_call=None)


@VARIANTS.register("ours/step")
def step(setup: Setup) -> Peer:
    """fmnist-jax, a call per step."""
    return Ours(setup, steps_per_call=1)
