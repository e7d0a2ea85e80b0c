"""What a training reports: its epochs, its preparation, the cost of its model."""

from dataclasses import dataclass
from pathlib import Path


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
        elapsed_s: seconds since the fit began, including validation, excluding
            checkpoints and what was lost to a kill.
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
    """Seconds that preparation took; None where a learner has no such step.

    `compile_cached` is True when every program was read from a cache.
    """

    compile_s: float | None = None
    compile_cached: bool | None = None
    initialise_s: float | None = None
    warmup_s: float | None = None


@dataclass(frozen=True)
class ModelCost:
    """Size and arithmetic of a fitted model; None where the notion does not apply.

    Attributes:
        parameters: numbers that the model stores to predict.
        trainable_parameters: those that a gradient step changes.
        flops_per_image: floating point operations of one forward pass.
        bytes_per_image: bytes that these operations read and write, without the weights.
        batch_size: images of one training step, over all devices.
        model_bytes: size of the stored model.
    """

    parameters: int | None
    trainable_parameters: int | None
    flops_per_image: int | None
    model_bytes: int
    bytes_per_image: int | None = None
    batch_size: int | None = None


@dataclass(frozen=True)
class Checkpoints:
    """Where a training keeps its checkpoints, and how often it writes one.

    Attributes:
        folder: absolute, for one case alone; its name stands for the case.
        every: epochs between two checkpoints.
        teachers: folder that all cases of a dataset share, for what their teachers said; None
            keeps none of it.
    """

    folder: Path
    every: int
    teachers: Path | None = None
