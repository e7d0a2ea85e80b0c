"""Accuracy under corruptions, as a picture."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from fmnist_jax.figures.panels import COLOURS

_COLUMNS = 5


def robustness_figure(accuracy: Mapping[str, Sequence[float]], clean: float, title: str) -> Figure:
    """Draw accuracy by severity, a panel for each corruption and one for their mean.

    Args:
        accuracy: by corruption, of severities 1 to 5, in [0, 1].
        clean: accuracy on images as they are.
        title: of the figure.
    """
    panels = {name.replace("_", " "): values for name, values in accuracy.items()}
    panels["mean of all"] = np.mean(list(accuracy.values()), axis=0).tolist()
    rows = -(-len(panels) // _COLUMNS)
    figure = Figure(figsize=(10, 2 * rows), layout="constrained")
    figure.suptitle(f"{title}: test accuracy under corruption (dashed: images as they are)")
    axes = list(figure.subplots(rows, _COLUMNS, sharex=True, sharey=True, squeeze=False).flat)
    for place, (name, values) in zip(axes, panels.items(), strict=False):
        severities = np.arange(1, len(values) + 1)
        place.axhline(clean, linestyle="--", color="gray", linewidth=1)
        place.plot(severities, values, "o-", markersize=3, color=COLOURS[name == "mean of all"])
        place.set_title(f"{name}: {np.mean(values):.0%}", fontsize=9)
        place.set_xticks(severities)
        place.set_ylim(0, 1)
        place.yaxis.set_major_formatter(PercentFormatter(1.0))
        place.grid(alpha=0.3)
    for place in axes[len(panels) :]:
        place.axis("off")
    for place in axes[len(panels) - _COLUMNS : len(panels)]:  # the lowest of each column
        place.tick_params(labelbottom=True)
    figure.supxlabel("severity", fontsize=10)
    return figure
