"""The protocol that networks and classical baselines both implement.

A registered *config* is a frozen set of hyper-parameters that builds its *learner*. A
learner is prepared, fitted, and then asked for predictions and its cost, in that order.
"""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Literal, Protocol

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from fmnist_jax.data.dataset import Images, Split
from fmnist_jax.history import Checkpoints, Epoch, ModelCost, Prepared
from fmnist_jax.registry import Registry

Kind = Literal["flax", "sklearn", "keras", "pytorch"]
Probabilities = npt.NDArray[np.float32]  # [n, 10]


class Learner(Protocol):
    """A model that can be trained and asked for class probabilities."""

    def prepare(self, train: Split, validation: Split) -> Prepared:
        """Do all that precedes training: scale or place the data, compile."""
        ...

    def fit(
        self, on_epoch: Callable[[Epoch], None], checkpoints: Checkpoints | None = None
    ) -> tuple[Epoch, ...]:
        """Train on the prepared data.

        Args:
            on_epoch: called after each epoch that is trained here.
            checkpoints: a learner that trains by epochs continues from the last one and
                writes new ones; other learners ignore them.

        Returns:
            The whole history; empty for a learner that does not train by epochs.

        Raises:
            Diverged: the loss or a weight is not finite.
        """
        ...

    def predict_proba(self, images: Images) -> Probabilities:
        """Return class probabilities, float32 [n, 10], of uint8 images [n, 28, 28].

        There is a column for every class, in the order of the labels.
        """
        ...

    def cost(self) -> ModelCost:
        """Return the size and arithmetic of the fitted model."""
        ...


class LearnerConfig(BaseModel):
    """Hyper-parameters of one model; subclasses are the registered entries.

    Attributes:
        kind: the library that trains it.
        expected_core_seconds: rough cost on one CPU core with all 55,000 images, used
            only to start the longest case first.
        thread_invariant: whether the result is equal to the bit for any number of
            threads. A model that is not gets one thread, so that its result does not
            depend on what runs beside it.
        official_accuracy: the highest test accuracy of the model's family in the
            dataset's own benchmark, trained on all 60,000 images; None where it
            has no such family (Xiao, Rasul, Vollgraf 2017, arXiv 1708.07747, table 3).
        robustness_images: test images that each corruption is measured on at each severity,
            at most 1,000; fewer for a model that is slow to predict.
        packages: those that train it and are no requirement of the suite.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    kind: ClassVar[Kind]
    expected_core_seconds: ClassVar[float] = 60.0
    thread_invariant: ClassVar[bool] = False
    official_accuracy: ClassVar[float | None] = None
    robustness_images: ClassVar[int] = 1_000
    packages: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def build(self, seed: int) -> Learner:
        """Build a fresh learner; the same seed gives the same result."""

    def compute_dtype(self, accelerator: bool) -> str:
        """Return the dtype of the arithmetic, on an accelerator or a CPU."""
        return "float32"


# Groups that run when a person, a config or a grid names them, not as part of "all models".
ON_REQUEST = {
    "accelerator": "fmnist_jax.models.accelerator",
    "experiments": "fmnist_jax.experiments",
    "reference": "fmnist_jax.baselines.reference",
    "xiao2017": "fmnist_jax.baselines.xiao2017",  # of the dataset's own benchmark alone
}

LEARNERS: Registry[type[LearnerConfig]] = Registry(
    "model", "LEARNERS", "fmnist_jax.models", "fmnist_jax.baselines", *ON_REQUEST.values()
)


def default_models() -> tuple[str, ...]:
    """Return the models that run where none is named."""
    on_request = {name for group in ON_REQUEST for name in models_of(group)}
    return tuple(name for name in LEARNERS.catalogue if name not in on_request)


def models_of(group: str) -> tuple[str, ...]:
    """Return the models of a group of `ON_REQUEST`."""
    package = f"{ON_REQUEST[group]}."
    listings = LEARNERS.catalogue.values()
    return tuple(entry.name for entry in listings if entry.module.startswith(package))


def resolve(name: str, changes: dict[str, Any]) -> LearnerConfig:
    """Return the config of model `name` with some fields changed.

    Raises:
        UserError: unknown model.
        pydantic.ValidationError: a field that does not exist or a value of the wrong type.
    """
    config = LEARNERS[name]
    return config.model_validate(complete(config, changes))


def complete(config: type[LearnerConfig], changes: dict[str, Any]) -> dict[str, Any]:
    """Return changes in which a field with fields of its own, such as `augment`, has all of them.

    Those that it leaves out are the model's defaults, not those of the field's class.
    """
    defaults = config()

    def whole(field: str, given: Any) -> Any:
        default = getattr(defaults, field, None)
        if isinstance(default, BaseModel) and isinstance(given, dict):
            return default.model_dump() | given
        return given

    return {field: whole(field, given) for field, given in changes.items()}
