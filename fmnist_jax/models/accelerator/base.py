"""How the deep networks are trained.

As in issue 10 of github.com/zhunzhong07/Random-Erasing, whose ResNet-20 has 0.9555 on this
dataset.
"""

from typing import ClassVar, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from fmnist_jax.data.augment import Augment
from fmnist_jax.models.blocks import BatchNormConfig
from fmnist_jax.training.config import Optimizer


class DeepConfig(BatchNormConfig):
    """What the deep networks share: SGD, crop, flip, random erasing."""

    expected_core_seconds: ClassVar[float] = 100_000.0

    epochs: PositiveInt = 100
    batch_size: PositiveInt | Literal["auto"] = 128
    optimizer: Optimizer = "sgd"
    learning_rate: PositiveFloat = 0.1
    warmup: float = Field(0.05, ge=0, lt=1, description="share of all steps spent rising")
    weight_decay: NonNegativeFloat = 5e-4
    augment: Augment = Augment(shift=4, erase=0.5)
