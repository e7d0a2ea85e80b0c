"""What the reference recipes share: Adam at a constant rate, images as they are."""

import math
from importlib.util import find_spec
from typing import ClassVar

from pydantic import Field, PositiveFloat, PositiveInt

from fmnist_jax.errors import Diverged, UserError
from fmnist_jax.history import Epoch
from fmnist_jax.learner import LearnerConfig

INSTALL = "pip install -e '.[peers]'"
BATCH_NORM_EPSILON = 1e-5  # of this suite's networks, and so of the same ones elsewhere


class ReferenceConfig(LearnerConfig):
    """Hyper-parameters of a network in another framework, which has its own defaults for others.

    Raises:
        UserError: by `build`, if the framework is not installed.
    """

    expected_core_seconds: ClassVar[float] = 700.0
    robustness_images: ClassVar[int] = 200

    epochs: PositiveInt = Field(15, description="the notebooks have 10 to 20")
    batch_size: PositiveInt = 128
    learning_rate: PositiveFloat = 0.001

    def check_installed(self) -> None:
        """Raise a `UserError` where one of `packages` is missing."""
        for package in self.packages:
            if find_spec(package) is None:
                raise UserError(f"{package} is not installed: {INSTALL}")


def check_finite(epoch: Epoch) -> Epoch:
    """Return the epoch.

    Raises:
        Diverged: its loss is not finite.
    """
    if not math.isfinite(epoch.train_loss):
        raise Diverged(
            f"the training loss became {epoch.train_loss} in epoch {epoch.epoch}; "
            "lower the learning rate"
        )
    return epoch
