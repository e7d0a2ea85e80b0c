"""The confusion matrix as a picture."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from fmnist_jax.evaluation.classification import Confusion, accuracy


def confusion_figure(confusion: Confusion, classes: Sequence[str], title: str) -> Figure:
    """Draw the confusion matrix, coloured by the share of each true class, with its counts."""
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
