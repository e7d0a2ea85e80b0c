"""The protocol that networks and classical baselines both meet.

A registered *config* is a frozen set of hyper-parameters that knows how to
build its *learner*; a learner goes through prepare, fit, predict_proba, cost,
in that order. The suite drives both kinds with the same few lines.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from fmnist_jax.data.dataset import Images, Split
from fmnist_jax.registry import Registry

if TYPE_CHECKING:
    from fmnist_jax.training.checkpoint import Checkpoints

Kind = Literal["flax", "sklearn"]
Probabilities = npt.NDArray[np.float32]  # [n, 10]


@dataclass(frozen=True)
class Epoch:
    """One epoch as it was measured.

    Attributes:
        epoch: counted from 1.
        train_loss: mean over the epoch's own steps, on augmented images.
        train_accuracy: likewise, in [0, 1].
        validation_loss: after the epoch, on the whole validation split.
        validation_accuracy: likewise, in [0, 1].
        train_s: seconds in the training program alone.
        elapsed_s: seconds since the fit began, validation included, checkpoints
            and what a kill has lost not.
        images: training images consumed.
    """

    epoch: int
    train_loss: float
    train_accuracy: float
    validation_loss: float
    validation_accuracy: float
    train_s: float
    elapsed_s: float
    images: int


@dataclass(frozen=True)
class Prepared:
    """What getting ready cost, in seconds; None where there is no such step.

    `compile_cached` says that nothing was compiled, but read from a cache.
    """

    compile_s: float | None = None
    compile_cached: bool | None = None
    warmup_s: float | None = None


@dataclass(frozen=True)
class Cost:
    """What a fitted model weighs; None where the notion does not apply.

    Attributes:
        parameters: numbers that the model stores to predict.
        trainable_parameters: those that a gradient step changes.
        flops_per_image: floating point operations of one forward pass.
        bytes_per_image: what these read and write of one image, weights left out.
        batch_size: images of one training step, over all devices.
        model_bytes: size of the stored model.
    """

    parameters: int | None
    trainable_parameters: int | None
    flops_per_image: int | None
    model_bytes: int
    bytes_per_image: int | None = None
    batch_size: int | None = None


class Learner(Protocol):
    """A model that can be trained and asked for class probabilities."""

    def prepare(self, train: Split, validation: Split) -> Prepared:
        """Do all that precedes training: scale or place the data, compile."""
        ...

    def fit(
        self, on_epoch: Callable[[Epoch], None], checkpoints: "Checkpoints | None" = None
    ) -> tuple[Epoch, ...]:
        """Train on the prepared data, reporting each epoch as it ends.

        Args:
            on_epoch: told of each epoch that is trained here.
            checkpoints: from which a learner that trains by epochs goes on, and
                which it keeps up to date; the others have no use for them.

        Returns:
            The whole history; empty for a learner that does not train by epochs.

        Raises:
            Diverged: the loss is not finite any more.
        """
        ...

    def predict_proba(self, images: Images) -> Probabilities:
        """Class probabilities, float32 [n, 10], of uint8 images [n, 28, 28]."""
        ...

    def cost(self) -> Cost:
        """The size and arithmetic of the fitted model."""
        ...


class LearnerConfig(BaseModel):
    """Hyper-parameters of one model; subclasses are the registered entries.

    Attributes:
        kind: which library trains it.
        expected_core_seconds: rough cost on one CPU core with all 55,000 images, used
            only to start the longest case first.
        thread_invariant: whether its result is the same to the bit with any number of
            threads; one whose sums are shared out among them gets a single one, so that
            what runs beside it does not change it.
        official_accuracy: the highest test accuracy of the model's family in the
            dataset's own benchmark, trained on all 60,000 images; None where it
            has no such family (Xiao, Rasul, Vollgraf 2017, arXiv 1708.07747, table 3).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    kind: ClassVar[Kind]
    expected_core_seconds: ClassVar[float] = 60.0
    thread_invariant: ClassVar[bool] = False
    official_accuracy: ClassVar[float | None] = None

    def build(self, seed: int) -> Learner:
        """A fresh learner; the same seed gives the same result."""
        raise NotImplementedError(type(self).__name__)

    def compute_dtype(self, accelerator: bool) -> str:
        """The dtype of the arithmetic, given whether an accelerator runs it."""
        return "float32"


# Families that only the dataset's own benchmark still calls for: they run when they
# are named, by a person or by a grid, and never because everything is run.
XIAO2017 = "fmnist_jax.baselines.xiao2017"

LEARNERS: Registry[type[LearnerConfig]] = Registry(
    "model", "LEARNERS", "fmnist_jax.models", "fmnist_jax.baselines", XIAO2017
)


def default_models() -> tuple[str, ...]:
    """The models that are run where none is named."""
    listings = LEARNERS.catalogue.values()
    return tuple(entry.name for entry in listings if not entry.module.startswith(XIAO2017))


def resolve(name: str, changes: dict[str, Any]) -> LearnerConfig:
    """The config of model `name` with some fields changed.

    Raises:
        UserError: unknown model.
        pydantic.ValidationError: a field that does not exist or a value of the wrong type.
    """
    return LEARNERS[name].model_validate(changes)
