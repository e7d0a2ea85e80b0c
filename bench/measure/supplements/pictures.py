"""Draw the pictures that go beside a record."""

import io
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from bench.measure.messages import Artifacts
from bench.measure.record import Measurement
from bench.records.quality import Calibration
from bench.records.schema import Record
from fmnist_jax.evaluation.calibration import apply_temperature, reliability
from fmnist_jax.figures.confusion import confusion_figure
from fmnist_jax.figures.curves import curves_figure
from fmnist_jax.figures.explanations import Triptych, overlay, triptych_figure
from fmnist_jax.figures.mistakes import mistakes_figure
from fmnist_jax.figures.reliability import reliability_figure
from fmnist_jax.figures.robustness import robustness_figure
from fmnist_jax.figures.style import png

if TYPE_CHECKING:
    from fmnist_jax.training.learner import FlaxLearner


def make_pictures(record: Record, measurement: Measurement) -> Artifacts:
    """Draw the confusion matrix, the worst mistakes, calibration, robustness, curves, Grad-CAM.

    Args:
        record: complete.
        measurement: that the record was built from.

    Returns:
        PNG files; curves only for a learner with epochs, Grad-CAM only for one with
        convolutions, and then also its overlays, for a terminal.
    """
    case, classes, splits = record.case, measurement.classes, measurement.splits
    title = f"{case.model} (SYNTHETIC DATA)" if case.synthetic else case.model
    test, probabilities = splits.test, measurement.test
    figures = {
        "confusion": confusion_figure(np.array(record.quality.confusion), classes, title),
        "mistakes": mistakes_figure(
            test.images, test.labels, probabilities, classes, title, splits.test_index
        ),
    }
    if record.quality.calibration:
        figures["reliability"] = _reliability_figure(record.quality.calibration, measurement, title)
    if record.quality.robustness:
        figures["robustness"] = robustness_figure(
            record.quality.robustness.accuracy, record.quality.test_accuracy or 0.0, title
        )
    if measurement.history:
        figures["curves"] = curves_figure(measurement.history, title)
    overlays: Artifacts = {}
    if case.kind == "flax":
        from fmnist_jax.explain.layers import LAST, feature_maps
        from fmnist_jax.training.learner import FlaxLearner

        learner = measurement.learner
        assert isinstance(learner, FlaxLearner)
        if LAST in feature_maps(learner.network, learner.variables):
            triptychs = explain_predictions(measurement, learner)
            heading = f"{title}: Grad-CAM of the predicted class"
            figures["gradcam"] = triptych_figure(triptychs, heading)
            overlays = {"overlays.npz": ("overlays", encode_overlays(triptychs))}
    return {f"{kind}.png": (kind, png(figure)) for kind, figure in figures.items()} | overlays


def _reliability_figure(calibration: Calibration, measurement: Measurement, title: str) -> Figure:
    temperature = calibration.temperature or 1.0
    scaled = apply_temperature(measurement.test, temperature)
    labels = measurement.splits.test.labels
    diagrams = {
        "as predicted": reliability(measurement.test, labels, "equal_width"),
        f"temperature {temperature:.2f}": reliability(scaled, labels, "equal_width"),
    }
    return reliability_figure(diagrams, title)


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


def explain_predictions(measurement: Measurement, learner: "FlaxLearner") -> list[Triptych | None]:
    """Explain one right and one wrong test image of each class, by the class that was predicted.

    Args:
        measurement: with the predictions of the test images.
        learner: fitted, its network with convolutions.

    Returns:
        Two for each class; None where it has no such image.
    """
    from fmnist_jax.explain.base import explain
    from fmnist_jax.training.program.step import scale

    splits, probabilities = measurement.splits, measurement.test
    classes = measurement.classes
    cells = one_right_one_wrong(splits.test.labels, probabilities.argmax(1), len(classes))
    index = np.array([cell for cell in cells if cell is not None])
    test, predicted = splits.test, probabilities[index].argmax(1)
    maps = explain(learner.network, learner.variables, scale(test.images[index]), predicted)
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
    return triptychs


def encode_overlays(triptychs: list[Triptych | None]) -> bytes:
    """Return an NPZ file of `overlays`: heat maps over their images, uint8 [n, 28, 28, 3]."""
    pictures = [overlay(each.image, each.heatmap) for each in triptychs if each]
    file = io.BytesIO()
    np.savez_compressed(file, overlays=np.stack(pictures))
    return file.getvalue()
