"""A Flax network behind the learner protocol."""

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
from fmnist_jax.training.fit import fit
from fmnist_jax.training.fit_together import fit_together
from fmnist_jax.training.predictor import Predictor, prediction_devices
from fmnist_jax.training.program.engine import Engine, compile_engine
from fmnist_jax.training.program.together import Together, compile_together
from fmnist_jax.training.state import Weights, variables
from fmnist_jax.training.teacher import soften
from fmnist_jax.training.teacher_answers import ask


class FlaxConfig(TrainingConfig):
    """A network and the hyper-parameters of its training.

    A subclass is a registered model: it implements `network`, adds the fields of its
    architecture and sets its own defaults.
    """

    @abstractmethod
    def network(self, dtype: str) -> Network:
        """Return the Flax module that predicts, computing in `dtype` with float32 parameters."""

    def training_network(self, dtype: str) -> Network:
        """Return the module that is trained; here the same."""
        return self.network(dtype)

    def inference_weights(self, weights: Weights) -> Weights:
        """Return the weights of `network` that do what trained ones do; here the same."""
        return weights

    def build(self, seed: int) -> Learner:
        """Build a learner for this network on all devices."""
        return FlaxLearner(self, seed)

    def build_together(self, seeds: tuple[int, ...]) -> "FlaxLearner":
        """Build a learner of the first seed that trains the others beside it."""
        return FlaxLearner(self, *seeds)


class FlaxLearner:
    """Trains `config`'s network on all devices, those of other hosts included.

    After training each process predicts on its local devices.

    Args:
        config: architecture and hyper-parameters.
        seed: of the weights, the shuffling, the augmentation and the dropout.
        *others: further seeds, trained in the same program.

    Attributes:
        network: that predicts.
        beside: after `fit`, a fitted learner of each other seed, with its history.
        teacher_s: after `fit`, the seconds of it that teachers took; None without one.
        trained: after `fit`, the weights of the network that was trained.
        variables: after `fit`, the weights of `network`.
    """

    def __init__(self, config: FlaxConfig, seed: int, *others: int) -> None:
        self._config = config
        self._seeds = seed, *others
        self._devices = jax.devices()
        is_accelerated = self._devices[0].platform != "cpu"
        dtype = config.compute_dtype(is_accelerated)
        self.network = config.network(dtype)
        self._training_network = config.training_network(dtype)
        self.beside: list[tuple[FlaxLearner, tuple[Epoch, ...]]] = []
        self.teacher_s: float | None = None
        self._engine: Engine | Together | None = None
        self._predictor: Predictor | None = None
        self._batch_size: int | None = None
        self._splits: tuple[Split, Split] | None = None
        self.trained: Weights | None = None
        self.variables: dict[str, Any] = {}

    def prepare(self, train: Split, validation: Split) -> Prepared:
        """Place the data on the devices and compile; nothing is trained yet."""
        given = self._training_network, self._config, train, validation
        engine: Engine | Together
        if self._config.epochs_per_call > 1 or len(self._seeds) > 1:
            engine = compile_together(*given, self._seeds, self._devices)
        else:
            engine = compile_engine(*given, self._seeds[0], self._devices)
        self._engine, self._splits = engine, (train, validation)
        return Prepared(
            compile_s=engine.compile_s,
            compile_cached=engine.compile_cached,
            initialise_s=engine.initialise_s,
            warmup_s=engine.warm_up(),
        )

    def fit(
        self, on_epoch: Callable[[Epoch], None], checkpoints: Checkpoints | None = None
    ) -> tuple[Epoch, ...]:
        """Train, a teacher first if there is one; see `fmnist_jax.training.fit.fit`."""
        if self._engine is None or self._splits is None:
            raise RuntimeError("fit needs prepare first")
        engine, epochs, patience = self._engine, self._config.epochs, self._config.patience
        if self._config.teacher:
            given = self._config.teacher, self._config.augment, *self._splits
            folder = checkpoints.teachers if checkpoints else None
            answers, self.teacher_s = ask(*given, folder)
            engine = engine.taught(soften(answers, self._config.teacher.temperature))
        before_s = self.teacher_s or 0.0
        if isinstance(engine, Together):
            (weights, history), *others = fit_together(
                engine, epochs, patience, on_epoch, checkpoints, before_s
            )
            for seed, (other_weights, other_history) in zip(self._seeds[1:], others, strict=True):
                other = FlaxLearner(self._config, seed)
                other._adopt(other_weights, engine.batch_size)
                self.beside.append((other, other_history))
        else:
            weights, history = fit(engine, epochs, patience, on_epoch, checkpoints, before_s)
        self._engine = self._splits = None  # frees the training set on the devices
        if jax.process_count() > 1:  # after training, no array may lie on another host
            weights = jax.device_get(weights)
        self._adopt(weights, engine.batch_size)
        return history

    def _adopt(self, weights: Weights, batch_size: int) -> None:
        """Predict by weights that batches of this size have trained."""
        self._batch_size = batch_size
        self.trained = weights
        weights = self._config.inference_weights(weights)
        self.variables = variables(*weights)
        self._predictor = Predictor(self.network, *weights, prediction_devices(jax.local_devices()))

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
