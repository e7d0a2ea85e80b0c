"""A Flax network behind the learner protocol."""

from collections.abc import Callable
from typing import Any

import jax

from fmnist_jax.data.dataset import Images, Split
from fmnist_jax.learner import Cost, Epoch, Prepared, Probabilities
from fmnist_jax.models.base import Network
from fmnist_jax.training import engine
from fmnist_jax.training.checkpoint import Checkpoints
from fmnist_jax.training.config import FlaxConfig
from fmnist_jax.training.cost import forward_cost
from fmnist_jax.training.fit import fit
from fmnist_jax.training.step import variables


class FlaxLearner:
    """Trains `config`'s network on all devices, those of other hosts included.

    Trained, it is a matter of each process and its own devices.

    Args:
        config: architecture and hyper-parameters.
        seed: of the weights, the shuffling, the augmentation and the dropout.
    """

    def __init__(self, config: FlaxConfig, seed: int) -> None:
        self._config = config
        self._seed = seed
        self._devices = jax.devices()
        accelerator = self._devices[0].platform != "cpu"
        self.network: Network = config.network(config.compute_dtype(accelerator))
        self._engine: engine.Engine | None = None
        self._predictor: engine.Predictor | None = None
        self._batch_size: int | None = None
        self.variables: dict[str, Any] = {}

    def prepare(self, train: Split, validation: Split) -> Prepared:
        """Place the data on the devices and compile; nothing is trained yet."""
        self._engine = engine.build(
            self.network, self._config, train, validation, self._seed, self._devices
        )
        self._batch_size = self._engine.batch_size
        return Prepared(
            compile_s=self._engine.compile_s,
            compile_cached=self._engine.compile_cached,
            warmup_s=self._engine.warm_up(),
        )

    def fit(
        self, on_epoch: Callable[[Epoch], None], checkpoints: Checkpoints | None = None
    ) -> tuple[Epoch, ...]:
        """Train; see `fmnist_jax.training.fit.fit`."""
        if self._engine is None:
            raise RuntimeError("fit needs prepare first")
        weights, history = fit(
            self._engine,
            self._config.epochs,
            self._seed,
            self._config.patience,
            on_epoch,
            checkpoints,
        )
        # The engine holds the training set on the devices: done with it.
        self._engine = None
        if jax.process_count() > 1:  # arrays on devices of others would bind us to them
            weights = jax.device_get(weights)
        self.variables = variables(*weights)
        prediction_devices = engine.prediction_devices(jax.local_devices())
        self._predictor = engine.Predictor(self.network, *weights, prediction_devices)
        return history

    def predict_proba(self, images: Images) -> Probabilities:
        """float32 [n, 10] of uint8 [n, 28, 28]; compiles on the first use of a size."""
        if self._predictor is None:
            raise RuntimeError("predict_proba needs fit first")
        return self._predictor(images)

    def cost(self) -> Cost:
        """Sizes from the weights, arithmetic from the traced forward pass."""
        work = forward_cost(self.network, self.variables)
        trainable = _size(self.variables["params"])
        stored = trainable + _size(self.variables["batch_stats"])
        return Cost(
            parameters=stored,
            trainable_parameters=trainable,
            flops_per_image=work.flops,
            bytes_per_image=work.bytes,
            batch_size=self._batch_size,
            model_bytes=4 * stored,
        )


def _size(tree: Any) -> int:
    return sum(leaf.size for leaf in jax.tree.leaves(tree))
