"""Learn from the predictions of models that were trained before, as well as from the labels.

Hinton, Vinyals and Dean 2015, "Distilling the knowledge in a neural network", arXiv 1503.02531.
"""

import logging
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, Field, PositiveFloat, PositiveInt

from fmnist_jax.data.augment import Augment, View, views
from fmnist_jax.data.dataset import Images, Split
from fmnist_jax.history import Epoch
from fmnist_jax.learner import resolve

FIRST_SEED = 1000  # of the teachers, so that none of them starts as a student does
SMALLEST = 1e-7  # probability, so that its logarithm is finite
log = logging.getLogger("fmnist_jax")


class Teacher(BaseModel, frozen=True, extra="forbid"):
    """The models to learn from, and how much."""

    model: str = Field("resnet", description="a registered model")
    settings: dict[str, Any] = Field({}, description="of it, where they are not its defaults")
    count: PositiveInt = Field(1, description="trainings whose probabilities are averaged")
    temperature: PositiveFloat = Field(2.0, description="divides the logits of both")
    weight: float = Field(0.7, gt=0, le=1, description="of the teacher's part of the loss")


def teach(
    teacher: Teacher, augmentation: Augment, train: Split, validation: Split
) -> npt.NDArray[np.float32]:
    """Train the teachers and return what they say of the training images, in every view.

    The teacher speaks of the image as the student sees it, flipped and shifted; a student learns
    most from such a teacher in a long training (Beyer et al. 2022, "Knowledge distillation: a
    good teacher is patient and consistent", arXiv 2106.05237, section 3.1). A table of its
    answers saves asking it at each step.

    Students of all seeds learn from the same teachers, which are part of the recipe: how far
    their accuracies are apart does not include what other teachers would change.

    Args:
        teacher: which models, and how many.
        augmentation: of the student.
        train: n images, of which the teachers see what the student sees.
        validation: for teachers that stop early or choose a temperature.

    Returns:
        Probabilities, float32 [n, views, classes], the mean over all teachers, of each of the
        views of `fmnist_jax.data.augment.views`.
    """
    answers = []
    for number in range(teacher.count):
        learner = resolve(teacher.model, teacher.settings).build(FIRST_SEED + number)
        learner.prepare(train, validation)
        name = f"teacher {number + 1} of {teacher.count}, {teacher.model}"

        def tell(epoch: Epoch, name: str = name) -> None:
            log.info(
                "%s: epoch %d, validation accuracy %.4f", name, epoch.epoch,
                epoch.validation_accuracy,
            )  # fmt: skip

        learner.fit(tell)
        seen = [learner.predict_proba(see(train.images, view)) for view in views(augmentation)]
        answers.append(np.stack(seen, axis=1))
    return np.asarray(np.mean(answers, axis=0), np.float32)


def soften(answers: npt.NDArray[np.float32], temperature: float) -> npt.NDArray[np.float32]:
    """Return probabilities [..., classes] as they are when their logits are divided by this."""
    logits = np.log(answers + SMALLEST) / temperature
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return np.asarray(powers / powers.sum(-1, keepdims=True), np.float32)


def see(images: Images, view: View) -> Images:
    """Return uint8 images [n, 28, 28] as a view shows them."""
    mirrored = images[:, :, ::-1] if view.mirrored else images
    height, width = images.shape[1:]
    reach = max(abs(view.down), abs(view.right))
    padded = np.pad(mirrored, ((0, 0), (reach, reach), (reach, reach)))
    top, left = reach - view.down, reach - view.right
    return np.ascontiguousarray(padded[:, top : top + height, left : left + width])
