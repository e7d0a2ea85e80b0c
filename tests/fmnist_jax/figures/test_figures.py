import io

import numpy as np
import pytest
from PIL import Image

from fmnist_jax.evaluation.calibration import reliability
from fmnist_jax.evaluation.robustness import CORRUPTIONS
from fmnist_jax.figures.confusion import confusion_figure
from fmnist_jax.figures.curves import curves_figure
from fmnist_jax.figures.explanations import SheetRow, Triptych, sheet_figure, triptych_figure
from fmnist_jax.figures.mistakes import mistakes_figure
from fmnist_jax.figures.reliability import reliability_figure
from fmnist_jax.figures.robustness import robustness_figure
from fmnist_jax.figures.style import png
from fmnist_jax.history import Epoch

CLASSES = [f"class {label}" for label in range(10)]
GENERATOR = np.random.default_rng(0)
IMAGES = GENERATOR.integers(0, 256, (40, 28, 28)).astype(np.uint8)
LABELS = np.arange(40) % 10
PROBABILITIES = GENERATOR.dirichlet(np.ones(10), 40)


def drawn(figure):
    """The picture as an array; it must be small on disk and show more than one colour."""
    content = png(figure)
    assert len(content) < 200_000
    picture = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 5
    return picture


def texts(figure):
    found = [figure.get_suptitle()]
    for axes in figure.axes:
        found += [axes.get_title(), *(text.get_text() for text in axes.texts)]
    return " | ".join(found)


def test_confusion():
    confusion = GENERATOR.integers(1, 100, (10, 10))
    figure = confusion_figure(confusion, CLASSES, "model")
    drawn(figure)
    assert str(confusion[3, 4]) in texts(figure)
    assert "model" in texts(figure)


@pytest.mark.parametrize("count", [1, 5])
def test_curves(count):
    history = [Epoch(n, 1 / n, 0.5, 1.2 / n, 0.6, 1.0, 1.0 * n, 10) for n in range(1, count + 1)]
    figure = curves_figure(history, "model")
    drawn(figure)
    (loss, _) = figure.axes
    np.testing.assert_allclose(loss.lines[0].get_ydata(), [1 / n for n in range(1, count + 1)])


def test_mistakes_are_the_most_confident_ones_under_their_published_numbers():
    figure = mistakes_figure(
        IMAGES, LABELS, PROBABILITIES, CLASSES, "model", index=np.arange(40) + 1000, count=7
    )
    drawn(figure)
    predicted = PROBABILITIES.argmax(1)
    wrong = np.flatnonzero(predicted != LABELS)
    surest = wrong[PROBABILITIES[wrong].max(1).argmax()]
    assert f"image {surest + 1000}" in figure.axes[0].get_title()
    assert texts(figure).count("taken for") == 7


def test_a_perfect_model_has_no_mistakes_to_show():
    figure = mistakes_figure(IMAGES, LABELS, np.eye(10)[LABELS], CLASSES, "model")
    png(figure)
    assert "0 mistakes" in texts(figure)


def test_gradcam_leaves_empty_places_empty():
    triptych = Triptych(IMAGES[0], GENERATOR.random((28, 28), np.float32), "the caption")
    figure = triptych_figure([triptych, None, None, triptych], "model")
    drawn(figure)
    assert texts(figure).count("the caption") == 2
    *places, scale = [bool(axes.images) for axes in figure.axes]
    full, empty = [*[True] * 3, False], [False] * 4
    assert places == [*full, *empty, *empty, *full]
    assert not scale
    labels = [tick.get_text() for tick in figure.axes[-1].get_xticklabels()]
    assert labels == ["no heat", "the most of its map"]


def test_a_contact_sheet_has_methods_across_and_images_down():
    rows = [
        SheetRow(IMAGES[n], GENERATOR.random((3, 28, 28), np.float32), f"caption {n}")
        for n in range(2)
    ]
    figure = sheet_figure(rows, ["gradcam", "integrated_gradients", "sobel"], "model")
    drawn(figure)
    assert "integrated\ngradients" in texts(figure)
    assert "caption 1" in texts(figure)
    assert sum(len(axes.images) for axes in figure.axes) == 2 * (1 + 2 * 3)


def test_reliability_states_each_error():
    diagram = reliability(PROBABILITIES, LABELS, "equal_width")
    perfect = reliability(np.eye(10)[LABELS], LABELS, "equal_width")
    figure = reliability_figure({"as predicted": diagram, "perfect": perfect}, "model")
    drawn(figure)
    assert "as predicted: calibration error" in texts(figure)
    assert "perfect: calibration error 0.00%" in texts(figure)
    gaps, accuracy = figure.axes[0].collections[0], figure.axes[0].lines[1]
    assert len(gaps.get_segments()) == len(accuracy.get_xdata()) == len(diagram.images)


def test_robustness_has_a_panel_per_corruption_and_one_for_the_mean():
    accuracy = {name: [0.9, 0.7, 0.5, 0.3, 0.1] for name in CORRUPTIONS}
    figure = robustness_figure(accuracy | {"rotate": [0.2] * 5}, 0.9, "model")
    drawn(figure)
    titles = [axes.get_title() for axes in figure.axes]
    assert titles[: len(CORRUPTIONS)] == [
        f"{name.replace('_', ' ')}: {'20' if name == 'rotate' else '50'}%" for name in CORRUPTIONS
    ]
    assert titles[len(CORRUPTIONS)] == "mean of all: 48%"
    assert {tuple(axes.lines[0].get_ydata()) for axes in figure.axes[:14]} == {(0.9, 0.9)}
