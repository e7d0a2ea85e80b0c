"""A Flax network behind the learner protocol."""

import time
from abc import abstractmethod
from collections.abc import Callable
from typing import Any

import jax

from fmnist_jax.data.dataset import Images, Split
from fmnist_jax.history import Checkpoints, Epoch, ModelCost, Prepared
from fmnist_jax.learner import Learner, Probabilities
from fmnist_jax.nn.network import Network
from fmnist_jax.training.config import TrainingConfig
from fmnist_jax.training.cost import forward_cost
from fmnist_jax.training.engine import Engine, compile_engine
from fmnist_jax.training.fit import fit
from fmnist_jax.training.predictor import Predictor, prediction_devices
from fmnist_jax.training.state import variables
from fmnist_jax.training.teacher import teach


class FlaxConfig(TrainingConfig):
    """A network and the hyper-parameters of its training.

    A subclass is a registered model: it implements `network`, adds the fields of its
    architecture and sets its own defaults.
    """

    @abstractmethod
    def network(self, dtype: str) -> Network:
        """Return the Flax module, computing in `dtype` with float32 parameters."""

    def build(self, seed: int) -> Learner:
        """Build a learner for this network on all devices."""
        return FlaxLearner(self, seed)


class FlaxLearner:
    """Trains `config`'s network on all devices, those of other hosts included.

    After training each process predicts on its local devices.

    Args:
        config: architecture and hyper-parameters.
        seed: of the weights, the shuffling, the augmentation and the dropout.
    """

    def __init__(self, config: FlaxConfig, seed: int) -> None:
        self._config = config
        self._seed = seed
        self._devices = jax.devices()
        is_accelerated = self._devices[0].platform != "cpu"
        self.network = config.network(config.compute_dtype(is_accelerated))
        self._engine: Engine | None = None
        self._predictor: Predictor | None = None
        self._batch_size: int | None = None
        self._splits: tuple[Split, Split] | None = None
        self.variables: dict[str, Any] = {}

    def prepare(self, train: Split, validation: Split) -> Prepared:
        """Place the data on the devices and compile; nothing is trained yet."""
        self._engine = compile_engine(
            self.network, self._config, train, validation, self._seed, self._devices
        )
        self._batch_size = self._engine.batch_size
        self._splits = train, validation
        return Prepared(
            compile_s=self._engine.compile_s,
            compile_cached=self._engine.compile_cached,
            initialise_s=self._engine.initialise_s,
            warmup_s=self._engine.warm_up(),
        )

    def fit(
        self, on_epoch: Callable[[Epoch], None], checkpoints: Checkpoints | None = None
    ) -> tuple[Epoch, ...]:
        """Train, a teacher first if there is one; see `fmnist_jax.training.fit.fit`."""
        if self._engine is None or self._splits is None:
            raise RuntimeError("fit needs prepare first")
        start_s = time.perf_counter()
        if self._config.teacher:
            soft = teach(self._config.teacher, *self._splits, self._seed)
            self._engine = self._engine.taught(soft)
        weights, history = fit(
            self._engine,
            self._config.epochs,
            self._config.patience,
            on_epoch,
            checkpoints,
            before_s=time.perf_counter() - start_s,
        )
        self._engine = self._splits = None  # frees the training set on the devices
        if jax.process_count() > 1:  # after training, no array may lie on another host
            weights = jax.device_get(weights)
        self.variables = variables(*weights)
        self._predictor = Predictor(self.network, *weights, prediction_devices(jax.local_devices()))
        return history

    def predict_proba(self, images: Images) -> Probabilities:
        """Map uint8 [n, 28, 28] to float32 [n, 10]; compiles on the first use of a size."""
        if self._predictor is None:
            raise RuntimeError("predict_proba needs fit first")
        return self._predictor(images)

    def cost(self) -> ModelCost:
        """Return the sizes of the weights and the arithmetic of the traced forward pass."""
        cost = forward_cost(self.network, self.variables)
        trainable = _size(self.variables["params"])
        stored = trainable + _size(self.variables["batch_stats"])
        return ModelCost(
            parameters=stored,
            trainable_parameters=trainable,
            flops_per_image=cost.flops,
            bytes_per_image=cost.bytes,
            batch_size=self._batch_size,
            model_bytes=4 * stored,
        )


def _size(tree: Any) -> int:
    return sum(leaf.size for leaf in jax.tree.leaves(tree))
