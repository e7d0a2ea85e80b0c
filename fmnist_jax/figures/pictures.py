"""Every picture, each a pure function from arrays to a matplotlib figure."""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fmnist_jax.data.dataset import Images
from fmnist_jax.evaluation.classification import Confusion, accuracy
from fmnist_jax.learner import Epoch

_GARMENT = "gray_r"  # dark garments on white paper, as printed figures have them
_HEAT = "inferno"


def png(figure: Figure) -> bytes:
    """The figure as an 8-bit PNG: flat colours, so a palette keeps it small."""
    from PIL import Image

    raw = io.BytesIO()
    figure.savefig(raw, format="png", dpi=100, bbox_inches="tight", facecolor="white")
    small = io.BytesIO()
    Image.open(raw).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(
        small, format="PNG", optimize=True
    )
    return small.getvalue()


def confusion_figure(confusion: Confusion, classes: Sequence[str], title: str) -> Figure:
    """The confusion matrix, coloured by the share of each true class, with its counts."""
    figure = Figure(figsize=(7, 6.2), layout="constrained")
    axes = figure.subplots()
    share = confusion / np.maximum(confusion.sum(1, keepdims=True), 1)
    # The square root shows the few mistakes beside the many hits.
    axes.imshow(np.sqrt(share), cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(confusion):
        if count:
            colour = "white" if share[row, column] > 0.35 else "black"
            axes.text(column, row, str(count), ha="center", va="center", fontsize=8, color=colour)
    axes.set_xticks(range(len(classes)), classes, rotation=45, ha="right")
    axes.set_yticks(range(len(classes)), classes)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    axes.set_title(f"{title}: test accuracy {accuracy(confusion):.4f}")
    return figure


def curves_figure(history: Sequence[Epoch], title: str) -> Figure:
    """Loss and accuracy by epoch, for training and validation."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    epochs = [point.epoch for point in history]
    for axes, metric in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        for split, style in (("train", "--"), ("validation", "-")):
            values = [getattr(point, f"{split}_{metric}") for point in history]
            axes.plot(epochs, values, style, marker=".", label=split)
        axes.set_xlabel("epoch")
        axes.set_ylabel(metric)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
        axes.legend()
    figure.suptitle(title)
    return figure


def mistakes_figure(
    images: Images,
    labels: npt.NDArray[np.integer],
    probabilities: npt.NDArray[np.floating],
    classes: Sequence[str],
    title: str,
    index: npt.NDArray[np.integer] | None = None,
    count: int = 25,
) -> Figure:
    """The most confident mistakes, each with its true and its predicted class.

    Args:
        images: uint8 [n, 28, 28].
        labels: integers [n].
        probabilities: float [n, c].
        classes: names by label.
        title: of the figure.
        index: integers [n], under which the images are published; None is 0..n-1.
        count: how many to show at most.
    """
    predicted = probabilities.argmax(1)
    wrong = np.flatnonzero(predicted != labels)
    chosen = wrong[np.argsort(-probabilities[wrong].max(1), kind="stable")][:count]
    columns = 5
    rows = max(1, -(-len(chosen) // columns))
    figure = Figure(figsize=(7.5, 1.8 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat:
        axes.axis("off")
    for axes, at in zip(grid.flat, chosen, strict=False):
        _show(axes, images[at])
        true, taken = classes[labels[at]], classes[predicted[at]]
        number = at if index is None else index[at]
        axes.set_title(
            f"{true}\ntaken for {taken}\n{probabilities[at].max():.0%}  (image {number})",
            fontsize=7,
        )
    figure.suptitle(f"{title}: {len(wrong)} mistakes, the most confident {len(chosen)}")
    return figure


@dataclass(frozen=True)
class Triptych:
    """An image, uint8 [28, 28], its heat map, float32 [28, 28] in [0, 1], and what to say."""

    image: npt.NDArray[np.uint8]
    heatmap: npt.NDArray[np.float32]
    caption: str


def gradcam_figure(triptychs: Sequence[Triptych | None], title: str, columns: int = 2) -> Figure:
    """Image, heat map, and one over the other, in rows; None leaves a place empty."""
    rows = -(-len(triptychs) // columns)
    figure = Figure(figsize=(4.2 * columns, 1.75 * rows + 0.5), layout="constrained")
    grid = figure.subplots(rows, 3 * columns, squeeze=False)
    for axes in grid.flat:
        axes.axis("off")
    for (original, heat, overlay), triptych in zip(grid.reshape(-1, 3), triptychs, strict=False):
        if triptych is None:
            continue
        _show(original, triptych.image)
        heat.imshow(triptych.heatmap, cmap=_HEAT, vmin=0, vmax=1)
        _show(overlay, triptych.image)
        overlay.imshow(triptych.heatmap, cmap=_HEAT, vmin=0, vmax=1, alpha=0.55)
        heat.set_title(triptych.caption, fontsize=8)
    figure.suptitle(title)
    return figure


def _show(axes: Axes, image: npt.NDArray[np.uint8]) -> None:
    axes.imshow(image, cmap=_GARMENT, vmin=0, vmax=255)
