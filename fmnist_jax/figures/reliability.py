"""How far confidence is from accuracy, as a picture."""

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from fmnist_jax.evaluation.calibration import Reliability, expected_calibration_error
from fmnist_jax.figures.panels import COLOURS


def reliability_figure(diagrams: Mapping[str, Reliability], title: str) -> Figure:
    """Draw reliability diagrams side by side, each over the share of images per bin.

    Args:
        diagrams: by what they show, such as "before" and "after".
        title: of the figure.
    """
    figure = Figure(figsize=(4.2 * len(diagrams), 5.2), layout="constrained")
    figure.suptitle(title)
    axes = figure.subplots(
        2, len(diagrams), sharex=True, sharey="row", squeeze=False, height_ratios=(3, 1)
    )
    for column, (name, diagram) in enumerate(diagrams.items()):
        upper, lower = axes[:, column]
        error = expected_calibration_error(diagram)
        upper.set_title(f"{name}: calibration error {error:.2%}", fontsize=10)
        _draw_accuracy(upper, diagram)
        lower.bar(diagram.confidence, diagram.images / diagram.images.sum(), 0.05, color=COLOURS[0])
        lower.set_xlabel("confidence")
        lower.set_xticks((0.1, 0.3, 0.5, 0.7, 0.9))
        lower.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes[0, 0].set_ylabel("accuracy")
    axes[1, 0].set_ylabel("images")
    for row in axes[:, 0]:
        row.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    return figure


def _draw_accuracy(axes: Axes, diagram: Reliability) -> None:
    axes.plot([0, 1], [0, 1], "--", color="gray", linewidth=1)
    axes.vlines(
        diagram.confidence, diagram.confidence, diagram.accuracy, color=COLOURS[1], linewidth=4,
        alpha=0.5,
    )  # fmt: skip
    axes.plot(diagram.confidence, diagram.accuracy, "o-", color=COLOURS[0], markersize=4)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.grid(alpha=0.3)
