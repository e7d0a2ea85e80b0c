"""The pictures and weights that go beside a record."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from bench.record import Case
from fmnist_jax import figures
from fmnist_jax.data.dataset import Split
from fmnist_jax.evaluation import Confusion
from fmnist_jax.learner import Epoch, Learner, Probabilities

if TYPE_CHECKING:
    from fmnist_jax.training.flax_learner import FlaxLearner


def make_artifacts(
    case: Case,
    classes: Sequence[str],
    test: Split,
    probabilities: Probabilities,
    confusion: Confusion,
    history: Sequence[Epoch],
    learner: Learner,
) -> dict[str, tuple[str, bytes]]:
    """Everything that a case leaves beside its record, as file name -> (kind, content).

    Args:
        case: for titles.
        classes: names by label.
        test: the images that were predicted.
        probabilities: float32 [n, 10] for them.
        confusion: integers [10, 10].
        history: empty for a learner without epochs.
        learner: fitted.
    """
    title = case.model if case.dataset != "synthetic" else f"{case.model} (SYNTHETIC DATA)"
    made = {
        "confusion.png": figures.confusion_figure(confusion, classes, title),
        "mistakes.png": figures.mistakes_figure(
            test.images, test.labels, probabilities, classes, title
        ),
    }
    if history:
        made["curves.png"] = figures.curves_figure(history, title)
    artifacts = {}
    if case.kind == "flax":
        from fmnist_jax.training.flax_learner import FlaxLearner
        from fmnist_jax.training.weights import save

        if not isinstance(learner, FlaxLearner):
            raise TypeError(f"{case.model} is of kind flax but not a FlaxLearner")
        chosen = one_right_one_wrong(test.labels, probabilities.argmax(1), len(classes))
        made["gradcam.png"] = _gradcam(learner, test, probabilities, classes, chosen, title)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "weights.npz"
            save(path, learner.variables)
            artifacts["weights.npz"] = ("weights", path.read_bytes())
    for name, figure in made.items():
        artifacts[name] = (Path(name).stem, figures.png(figure))
    return artifacts


def one_right_one_wrong(
    labels: npt.NDArray[np.integer], predicted: npt.NDArray[np.integer], classes: int
) -> list[int]:
    """The first right and the first wrong test image of each class, where there is one."""
    chosen = []
    for label in range(classes):
        of_class = labels == label
        for wanted in (predicted == labels, predicted != labels):
            chosen += np.flatnonzero(of_class & wanted)[:1].tolist()
    return chosen


def _gradcam(
    learner: "FlaxLearner",
    test: Split,
    probabilities: Probabilities,
    classes: Sequence[str],
    chosen: Sequence[int],
    title: str,
) -> Figure:
    from fmnist_jax.explain.gradcam import gradcam
    from fmnist_jax.training.step import scale

    index = np.asarray(chosen)
    predicted = probabilities[index].argmax(1)
    maps = gradcam(learner.network, learner.variables, scale(test.images[index]), predicted)
    captions = [
        f"{'✓' if taken == true else '✗'} {classes[true]}"
        + ("" if taken == true else f" taken for {classes[taken]}")
        + f", {confidence:.0%}  (image {at})"
        for at, true, taken, confidence in zip(
            index, test.labels[index], predicted, probabilities[index].max(1), strict=True
        )
    ]
    return figures.gradcam_figure(
        test.images[index], np.asarray(maps), captions, f"{title}: Grad-CAM of the predicted class"
    )
