"""How a network is trained; every registered network subclasses `FlaxConfig`."""

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from fmnist_jax.data.augment import Augment
from fmnist_jax.learner import Kind, Learner, LearnerConfig

if TYPE_CHECKING:
    from fmnist_jax.models.base import Network

Dtype = Literal["auto", "float32", "bfloat16"]


class FlaxConfig(LearnerConfig):
    """Training hyper-parameters, shared by all networks.

    A subclass gives its own defaults, adds the fields of its architecture and
    implements `network`.
    """

    kind: ClassVar[Kind] = "flax"
    expected_core_seconds: ClassVar[float] = 600.0

    epochs: PositiveInt = 20
    batch_size: PositiveInt | Literal["auto"] = Field(
        128, description="global, over all devices; auto: what their memory allows"
    )
    optimizer: Literal["adam", "adamw", "sgd"] = "adamw"
    learning_rate: PositiveFloat = Field(0.003, description="peak of the schedule")
    schedule: Literal["constant", "cosine", "onecycle"] = "onecycle"
    warmup: float = Field(0.25, ge=0, lt=1, description="share of all steps spent rising")
    momentum: float = Field(0.9, ge=0, lt=1, description="of sgd, with Nesterov's correction")
    weight_decay: NonNegativeFloat = Field(0.0, description="decoupled; kernels only")
    label_smoothing: float = Field(0.0, ge=0, lt=1)
    patience: PositiveInt | None = Field(
        None, description="epochs without a better validation loss before stopping; None: never"
    )
    augment: Augment = Augment()
    dtype: Dtype = Field("auto", description="of the arithmetic; auto: bfloat16 off the CPU")

    def network(self, dtype: str) -> "Network":
        """The Flax module, computing in `dtype` with float32 parameters."""
        raise NotImplementedError(type(self).__name__)

    def compute_dtype(self, accelerator: bool) -> str:
        """XLA:CPU would only upcast bfloat16 convolutions, so `auto` keeps float32 there."""
        if self.dtype != "auto":
            return self.dtype
        return "bfloat16" if accelerator else "float32"

    def build(self, seed: int) -> Learner:
        """A learner for this network on all local devices."""
        from fmnist_jax.training.learner import FlaxLearner

        return FlaxLearner(self, seed)
