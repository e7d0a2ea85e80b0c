"""A gallery of mistakes."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from fmnist_jax.data.dataset import Images
from fmnist_jax.figures.style import show_garment


def mistakes_figure(
    images: Images,
    labels: npt.NDArray[np.integer],
    probabilities: npt.NDArray[np.floating],
    classes: Sequence[str],
    title: str,
    index: npt.NDArray[np.integer] | None = None,
    count: int = 25,
) -> Figure:
    """Draw the most confident mistakes, each with its true and its predicted class.

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
        show_garment(axes, images[at])
        true, taken = classes[labels[at]], classes[predicted[at]]
        number = at if index is None else index[at]
        axes.set_title(
            f"{true}\ntaken for {taken}\n{probabilities[at].max():.0%}  (image {number})",
            fontsize=7,
        )
    figure.suptitle(f"{title}: {len(wrong)} mistakes, the most confident {len(chosen)}")
    return figure
