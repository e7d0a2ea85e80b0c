"""Plots of numbers, each drawn into given axes so that one figure can hold several."""

from collections.abc import Mapping, Sequence

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, PercentFormatter

# Ten colours that people with any form of colour vision can tell apart (Petroff 2021,
# arXiv 2107.02270).
COLOURS = tuple(matplotlib.color_sequences["petroff10"])
_DARK = "#3f4a5a"

Floats = npt.NDArray[np.floating]


def new(title: str, size: tuple[float, float] = (8.0, 4.5)) -> tuple[Figure, Axes]:
    """A figure of one panel, in inches."""
    figure = Figure(figsize=size, layout="constrained")
    figure.suptitle(title)
    axes: Axes = figure.subplots()
    return figure, axes


def draw_bars(
    axes: Axes, names: Sequence[str], series: Mapping[str, Sequence[float]], ylabel: str
) -> None:
    """Bars by name, one colour a series; a legend where there are several."""
    width = 0.8 / len(series)
    places = np.arange(len(names))
    for number, (label, values) in enumerate(series.items()):
        offset = (number - (len(series) - 1) / 2) * width
        axes.bar(places + offset, values, width, label=label, color=COLOURS[number])
    axes.set_xticks(places, names, rotation=35, ha="right", rotation_mode="anchor")
    axes.set_ylabel(ylabel)
    _tidy(axes)
    if len(series) > 1:
        axes.legend(frameon=False, ncols=len(series), loc="lower right", bbox_to_anchor=(1, 1))


def draw_histogram(axes: Axes, counts: Sequence[int]) -> None:
    """The counts of the pixel values 0..255, on a log scale."""
    axes.bar(np.arange(len(counts)), counts, width=1.0, color=COLOURS[0])
    axes.set_yscale("log")
    axes.set_xlim(-2, len(counts) + 1)
    axes.set_xlabel("pixel value")
    axes.set_ylabel("pixels (log scale)")
    _tidy(axes)


def draw_boxes(axes: Axes, names: Sequence[str], samples: Sequence[Floats], ylabel: str) -> None:
    """A box plot of each sample: quartiles, whiskers to 1.5 times their range, the rest as dots."""
    axes.boxplot(
        samples,
        tick_labels=list(names),
        patch_artist=True,
        boxprops={"facecolor": COLOURS[0], "alpha": 0.45},
        medianprops={"color": "black"},
        flierprops={"marker": ".", "markersize": 2, "alpha": 0.3, "markeredgecolor": _DARK},
    )
    axes.tick_params(axis="x", labelrotation=35)
    for label in axes.get_xticklabels():
        label.set(ha="right", rotation_mode="anchor")
    axes.set_ylabel(ylabel)
    _tidy(axes)


def draw_cumulative(axes: Axes, shares: Floats, count: int, share: float = 0.95) -> None:
    """Cumulative shares of variance [d], with `count` components marked that reach `share`."""
    axes.plot(np.arange(1, len(shares) + 1), shares, color=COLOURS[0], linewidth=2)
    axes.axhline(share, color=_DARK, linewidth=1, linestyle="--")
    axes.plot(count, shares[count - 1], "o", color=_DARK, zorder=3)
    axes.annotate(
        f"{count} components: {share:.0%}",
        (count, shares[count - 1]),
        xytext=(-8, 8),
        textcoords="offset points",
        ha="right",
    )
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_xlabel(f"principal components (log scale, {len(shares)} in all)")
    axes.set_ylabel("cumulative variance")
    _tidy(axes)


def draw_embedding(
    axes: Axes, points: Floats, labels: npt.NDArray[np.integer], names: Sequence[str]
) -> None:
    """Points [n, 2] coloured by label, each class named at its median."""
    for label, name in enumerate(names):
        members = points[labels == label]
        if not len(members):
            continue
        axes.scatter(
            members[:, 0],
            members[:, 1],
            s=6,
            color=COLOURS[label % len(COLOURS)],
            alpha=0.6,
            linewidths=0,
        )
        x, y = np.median(members, 0)
        axes.text(
            x,
            y,
            name,
            ha="center",
            va="center",
            fontsize=9,
            fontweight="bold",
            bbox={"boxstyle": "round,pad=0.2", "facecolor": "white", "alpha": 0.8, "lw": 0},
        )
    axes.set_xticks([])
    axes.set_yticks([])


def draw_heatmap(axes: Axes, values: Floats, names: Sequence[str]) -> None:
    """A matrix [c, c] of values up to 1 with its numbers."""
    axes.imshow(values, cmap="Blues", vmin=min(0.0, float(values.min())), vmax=1)
    for (row, column), value in np.ndenumerate(values):
        colour = "white" if value > 0.6 else "black"
        axes.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=8, color=colour)
    axes.set_xticks(range(len(names)), names, rotation=35, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(names)), names)


def draw_labelled_points(
    axes: Axes,
    x: Sequence[float],
    y: Sequence[float],
    names: Sequence[str],
    labels: tuple[str, str],
) -> None:
    """Points with a name beside each, and the names of both axes."""
    axes.scatter(x, y, s=45, color=COLOURS[0], zorder=3)
    middle = (min(x) + max(x)) / 2
    for left, right, name in zip(x, y, names, strict=True):
        beyond = left > middle
        axes.annotate(
            name,
            (left, right),
            xytext=(-7 if beyond else 7, 4),
            textcoords="offset points",
            ha="right" if beyond else "left",
            fontsize=9,
        )
    axes.margins(0.1)
    axes.set_xlabel(labels[0])
    axes.set_ylabel(labels[1])
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    _tidy(axes)


def _tidy(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", alpha=0.3)
    axes.set_axisbelow(True)
