"""Which images to explain, and which class of each."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fmnist_jax.errors import UserError, nearest


@dataclass(frozen=True)
class Selection:
    """Which test images to explain; the union of what is asked for.

    Attributes:
        index: published positions in the test set.
        wrong: how many of the most confident mistakes.
        per_class: how many of each class; None is one where nothing else is chosen.
    """

    index: tuple[int, ...] = ()
    wrong: int = 0
    per_class: int | None = None

    def choose(
        self,
        test_index: npt.NDArray[np.int64],
        labels: npt.NDArray[np.integer],
        proba: npt.NDArray[np.floating],
    ) -> npt.NDArray[np.int64]:
        """Positions in the test split, in the order of the options, each once.

        Args:
            test_index: published positions of the test split's images, [n].
            labels: integers [n].
            proba: the network's probabilities for all of them, float [n, classes].

        Raises:
            UserError: an index out of range, or nothing to explain.
        """
        position = {int(number): place for place, number in enumerate(test_index)}
        for number in self.index:
            if number not in position:
                raise UserError(
                    f"there is no test image {number}: choose from {test_index[0]} to "
                    f"{test_index[-1]}"
                    + (
                        ", of which the record used a part"
                        if len(test_index) <= test_index[-1]
                        else ""
                    )
                )
        chosen = [position[number] for number in self.index]
        mistakes = np.flatnonzero(proba.argmax(1) != labels)
        order = np.argsort(-proba[mistakes].max(1), kind="stable")
        chosen += mistakes[order][: self.wrong].tolist()
        each = self.per_class
        if each is None:
            each = 0 if self.index or self.wrong else 1
        for label in range(proba.shape[1]):
            chosen += np.flatnonzero(labels == label)[:each].tolist()
        if not chosen:
            raise UserError("no image is chosen: give --index, --wrong or --per-class")
        return np.array(list(dict.fromkeys(chosen)))


def parse_target(
    target: str,
    labels: npt.NDArray[np.integer],
    predicted: npt.NDArray[np.integer],
    classes: Sequence[str],
) -> npt.NDArray[np.int64]:
    """The class to explain for each image.

    Raises:
        UserError: there is no such class.
    """
    if target in ("predicted", "true"):
        return (predicted if target == "predicted" else labels).astype(np.int64)
    names = {name.lower(): label for label, name in enumerate(classes)}
    names |= {str(label): label for label in range(len(classes))}
    if target.lower() not in names:
        choices = ["predicted", "true", *classes, "0", str(len(classes) - 1)]
        raise UserError(f"there is no class {target!r}: {nearest(target, choices)}")
    return np.full(len(labels), names[target.lower()], np.int64)
