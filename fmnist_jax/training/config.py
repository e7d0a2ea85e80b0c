"""The hyper-parameters of training, shared by all networks."""

from typing import ClassVar, Literal, Self

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from fmnist_jax.data.augment import Augment
from fmnist_jax.data.dataset import Split
from fmnist_jax.learner import Kind, LearnerConfig
from fmnist_jax.training.state import Weights
from fmnist_jax.training.teacher import Teacher

Optimizer = Literal["adam", "adamw", "muon", "sgd"]
Dtype = Literal["auto", "float32", "bfloat16"]


class TrainingConfig(LearnerConfig):
    """Hyper-parameters of training; `FlaxConfig` in `learner.py` adds the network.

    A later field is left out of a dump where it changes nothing, so that records from before
    it stay records of the same settings.
    """

    kind: ClassVar[Kind] = "flax"
    expected_core_seconds: ClassVar[float] = 600.0
    base_batch_size: ClassVar[int] = 128  # that the learning rate is meant for

    epochs: PositiveInt = 20
    batch_size: PositiveInt | Literal["auto"] = Field(
        "auto",
        description="global, over all devices; auto: the model's own on a CPU, elsewhere what "
        "memory allows, with the learning rate scaled to it",
    )
    optimizer: Optimizer = "adamw"
    learning_rate: PositiveFloat = Field(0.003, description="peak of the schedule")
    schedule: Literal["constant", "cosine", "onecycle"] = "onecycle"
    warmup: float = Field(0.25, ge=0, lt=1, description="share of all steps spent rising")
    momentum: float = Field(
        0.9, ge=0, lt=1, description="of sgd and muon, with Nesterov's correction"
    )
    weight_decay: NonNegativeFloat = Field(0.0, description="decoupled; kernels only")
    label_smoothing: float = Field(0.0, ge=0, lt=1)
    average_decay: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="per step, of a moving average of the weights, which reaches over a tenth of "
        "all steps at most; 0: none",
    )
    patience: PositiveInt | None = Field(
        None, description="epochs without a better validation loss before stopping; None: never"
    )
    augment: Augment = Augment()
    mixup: NonNegativeFloat = Field(
        0.0,
        exclude_if=lambda alpha: alpha == 0,
        description="alpha of the Beta distribution by which images are mixed in pairs; 0: none",
    )
    teacher: Teacher | None = Field(
        None,
        exclude_if=lambda teacher: teacher is None,
        description="models to learn from as well, trained first; None: from labels alone",
    )
    epochs_per_call: PositiveInt = Field(
        1,
        exclude_if=lambda epochs: epochs == 1,
        description="trained and validated in one call of the compiled program",
    )
    seeds_together: PositiveInt = Field(
        1,
        exclude_if=lambda seeds: seeds == 1,
        description="trained side by side in one program, where a run has as many",
    )
    dtype: Dtype = Field("auto", description="of the arithmetic; auto: bfloat16 off the CPU")

    @model_validator(mode="after")
    def _check_teacher(self) -> Self:
        if self.teacher and self.seeds_together > 1:
            raise ValueError("seeds_together needs a training without a teacher, or is 1")
        return self

    def initial_weights(self, weights: Weights, train: Split, seed: int) -> Weights:
        """Return what the training starts from, given random weights; the same ones here."""
        return weights

    def frozen_layers(self) -> tuple[str, ...]:
        """Return the layers, by their names in the parameters, that training leaves alone."""
        return ()

    def compute_dtype(self, accelerator: bool) -> str:
        """Return the dtype of the arithmetic; `auto` is float32 on a CPU.

        XLA:CPU converts the operands of bfloat16 convolutions to float32 anyway.
        """
        if self.dtype != "auto":
            return self.dtype
        return "bfloat16" if accelerator else "float32"
