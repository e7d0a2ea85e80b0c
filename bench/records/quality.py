"""Define the part of the record that says what a model learned."""

import math
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt, model_validator

Share = Annotated[float, Field(ge=0, le=1)]
Row = Annotated[list[NonNegativeInt], Field(min_length=10, max_length=10)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class HistoryPoint(_Part):
    """One epoch; losses are mean cross-entropy in nats, accuracies in [0, 1]."""

    epoch: int
    train_loss: float
    train_accuracy: Share
    validation_loss: float
    validation_accuracy: Share
    elapsed_s: float


class Scores(_Part):
    """How well probabilities are calibrated on the test images; `nll` is in nats."""

    ece_equal_width: float
    ece_equal_mass: float
    brier: float
    nll: float


class Calibration(_Part):
    """Scores before and after temperature scaling; the temperature is fitted on validation."""

    temperature: float | None
    before: Scores
    after: Scores | None


class Robustness(_Part):
    """Accuracy at five severities of each corruption, on `images` test images of each's own."""

    images: PositiveInt
    seed: int
    accuracy: dict[str, list[Share]]


class Quality(_Part):
    """What the model learned; rows of `confusion` are true classes."""

    test_accuracy: Share | None = None
    test_loss: float | None = None
    validation_accuracy: Share | None = None
    confusion: Annotated[list[Row], Field(min_length=10, max_length=10)] | None = None
    history: list[HistoryPoint] = []
    calibration: Calibration | None = None
    robustness: Robustness | None = None

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if self.confusion is None:
            return self
        images = sum(map(sum, self.confusion))
        if not images:
            raise ValueError("the confusion matrix holds no image")
        accuracy = sum(self.confusion[label][label] for label in range(10)) / images
        if self.test_accuracy is None or not math.isclose(
            self.test_accuracy, accuracy, abs_tol=1e-6
        ):
            raise ValueError(
                f"test_accuracy {self.test_accuracy} is not the {accuracy:.6f} of the confusion "
                "matrix"
            )
        return self
