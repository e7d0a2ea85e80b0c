"""The pictures and weights that go beside a record."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from bench.records.schema import Case
from fmnist_jax.data.splits import Splits
from fmnist_jax.evaluation.classification import Confusion
from fmnist_jax.figures.confusion import confusion_figure
from fmnist_jax.figures.curves import curves_figure
from fmnist_jax.figures.explanations import Triptych, triptych_figure
from fmnist_jax.figures.mistakes import mistakes_figure
from fmnist_jax.figures.style import png
from fmnist_jax.history import Epoch
from fmnist_jax.learner import Learner, Probabilities

if TYPE_CHECKING:
    from fmnist_jax.models.base import ConvNetwork


def make_artifacts(
    case: Case,
    classes: Sequence[str],
    splits: Splits,
    probabilities: Probabilities,
    confusion: Confusion,
    history: Sequence[Epoch],
    learner: Learner,
) -> dict[str, tuple[str, bytes]]:
    """Everything that a case leaves beside its record, as file name -> (kind, content).

    Args:
        case: for titles.
        classes: names by label.
        splits: their test images were predicted.
        probabilities: float32 [n, 10] for them.
        confusion: integers [10, 10].
        history: empty for a learner without epochs.
        learner: fitted.
    """
    if case.point:
        # Pictures of hundreds of points would outweigh what is learned from them.
        return {}
    title = case.model if case.dataset != "synthetic" else f"{case.model} (SYNTHETIC DATA)"
    test = splits.test
    made = {
        "confusion.png": confusion_figure(confusion, classes, title),
        "mistakes.png": mistakes_figure(
            test.images, test.labels, probabilities, classes, title, splits.test_index
        ),
    }
    if history:
        made["curves.png"] = curves_figure(history, title)
    artifacts = {}
    if case.kind == "flax":
        from fmnist_jax.models.base import ConvNetwork
        from fmnist_jax.training.learner import FlaxLearner
        from fmnist_jax.training.weights import save

        if not isinstance(learner, FlaxLearner):
            raise TypeError(f"{case.model} is of kind flax but not a FlaxLearner")
        if isinstance(learner.network, ConvNetwork):
            cells = one_right_one_wrong(test.labels, probabilities.argmax(1), len(classes))
            made["gradcam.png"] = gradcam_of(
                learner.network, learner.variables, splits, probabilities, classes, cells, title
            )
        weights = io.BytesIO()
        save(weights, learner.variables)
        artifacts["weights.npz"] = ("weights", weights.getvalue())
    for name, figure in made.items():
        artifacts[name] = (Path(name).stem, png(figure))
    return artifacts


def one_right_one_wrong(
    labels: npt.NDArray[np.integer], predicted: npt.NDArray[np.integer], classes: int
) -> list[int | None]:
    """Positions of the first right and the first wrong image of each class, in turn.

    None where a class has no such image.
    """
    chosen: list[int | None] = []
    for label in range(classes):
        of_class = labels == label
        for wanted in (predicted == labels, predicted != labels):
            chosen.append(next(iter(np.flatnonzero(of_class & wanted).tolist()), None))
    return chosen


def gradcam_of(
    network: "ConvNetwork",
    variables: dict[str, Any],
    splits: Splits,
    probabilities: Probabilities,
    classes: Sequence[str],
    cells: Sequence[int | None],
    title: str,
) -> Figure:
    """Triptychs of test images, explaining the class that was predicted.

    Args:
        network: cut into features and head.
        variables: its trained weights.
        splits: whose test images are meant.
        probabilities: float32 [n, 10] for all of them.
        classes: names by label.
        cells: a position among the test images for each triptych, None for an empty place.
        title: of the figure.
    """
    from fmnist_jax.explain.base import explain
    from fmnist_jax.training.step import scale

    index = np.array([cell for cell in cells if cell is not None])
    test, predicted = splits.test, probabilities[index].argmax(1)
    maps = explain(network, variables, scale(test.images[index]), predicted)
    triptychs: list[Triptych | None] = [None] * len(cells)
    places = [place for place, cell in enumerate(cells) if cell is not None]
    for place, at, taken, heatmap in zip(places, index, predicted, maps, strict=True):
        true = test.labels[at]
        name = classes[true] if taken == true else f"{classes[true]} taken for {classes[taken]}"
        triptychs[place] = Triptych(
            test.images[at],
            heatmap,
            f"{'✓' if taken == true else '✗'} {name}, {probabilities[at].max():.0%}"
            f"  (image {splits.test_index[at]})",
        )
    return triptych_figure(triptychs, f"{title}: Grad-CAM of the predicted class")
