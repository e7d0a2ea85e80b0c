"""Learn from the predictions of models that were trained before, as well as from the labels.

Hinton, Vinyals and Dean 2015, "Distilling the knowledge in a neural network", arXiv 1503.02531.
"""

import logging
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, Field, PositiveFloat, PositiveInt

from fmnist_jax.data.dataset import Split
from fmnist_jax.history import Epoch
from fmnist_jax.learner import resolve

SEEDS_APART = 1000  # the teachers of one seed share none with those of the next
SMALLEST = 1e-7  # probability, so that its logarithm is finite
log = logging.getLogger("fmnist_jax")


class Teacher(BaseModel, frozen=True, extra="forbid"):
    """The models to learn from, and how much."""

    model: str = Field("resnet", description="a registered model")
    settings: dict[str, Any] = Field({}, description="of it, where they are not its defaults")
    count: PositiveInt = Field(1, description="trainings whose probabilities are averaged")
    temperature: PositiveFloat = Field(2.0, description="divides the logits of both")
    weight: float = Field(0.7, gt=0, le=1, description="of the teacher's part of the loss")


def teach(teacher: Teacher, train: Split, validation: Split, seed: int) -> npt.NDArray[np.float32]:
    """Train the teachers and return what they say of the training images.

    Args:
        teacher: which models, and at what temperature they speak.
        train: n images, of which the teachers see what the student sees.
        validation: for teachers that stop early or choose a temperature.
        seed: of the student, from which the teachers' follow.

    Returns:
        Probabilities at the teacher's temperature, float32 [n, classes]: the mean over all
        teachers, of each image and its mirror image, before any other augmentation.
    """
    pictures = (train.images, np.ascontiguousarray(train.images[:, :, ::-1]))
    answers = []
    for number in range(teacher.count):
        learner = resolve(teacher.model, teacher.settings).build(SEEDS_APART * (seed + 1) + number)
        learner.prepare(train, validation)
        name = f"teacher {number + 1} of {teacher.count}, {teacher.model}"

        def tell(epoch: Epoch, name: str = name) -> None:
            log.info(
                "%s: epoch %d, validation accuracy %.4f", name, epoch.epoch,
                epoch.validation_accuracy,
            )  # fmt: skip

        learner.fit(tell)
        answers += [learner.predict_proba(images) for images in pictures]
    logits = np.log(np.mean(answers, axis=0) + SMALLEST) / teacher.temperature
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return np.asarray(powers / powers.sum(1, keepdims=True), np.float32)
