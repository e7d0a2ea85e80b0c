"""Heat maps over the images that they explain."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure

from fmnist_jax.figures.style import GARMENT, HEAT, show_garment

_GAP = 0.25  # between two triptychs, in widths of an image
_OPACITY = 0.8  # of the hottest places over their image; the cold ones are transparent


@dataclass(frozen=True)
class Triptych:
    """An image, uint8 [28, 28], its heat map, float32 [28, 28] in [0, 1], and what to say."""

    image: npt.NDArray[np.uint8]
    heatmap: npt.NDArray[np.float32]
    caption: str


@dataclass(frozen=True)
class SheetRow:
    """An image, uint8 [28, 28], its maps, float32 [m, 28, 28] in [0, 1], and what to say."""

    image: npt.NDArray[np.uint8]
    maps: npt.NDArray[np.float32]
    caption: str


def triptych_figure(triptychs: Sequence[Triptych | None], title: str, columns: int = 2) -> Figure:
    """Draw image, heat map, and one over the other, in rows; None leaves a place empty."""
    rows = -(-len(triptychs) // columns)
    figure = Figure(figsize=(4.3 * columns, 1.6 * rows + 0.9), layout="constrained")
    widths = [*[1] * 3, _GAP] * columns
    grid = figure.subplots(rows, 4 * columns, squeeze=False, width_ratios=widths)
    for axes in grid.flat:
        axes.axis("off")
    for (original, heat, overlay, _), triptych in zip(grid.reshape(-1, 4), triptychs, strict=False):
        if triptych is None:
            continue
        show_garment(original, triptych.image)
        _show_heat(heat, triptych.heatmap)
        show_garment(overlay, triptych.image)
        _show_heat(overlay, triptych.heatmap, _OPACITY)
        heat.set_title(triptych.caption, fontsize=8)
    figure.suptitle(title)
    _show_scale(figure)
    return figure


def sheet_figure(rows: Sequence[SheetRow], methods: Sequence[str], title: str) -> Figure:
    """Draw a contact sheet: methods across, images down, each map over its image."""
    figure = Figure(figsize=(1.3 * (len(methods) + 2), 1.3 * len(rows) + 0.9), layout="constrained")
    grid = figure.subplots(
        len(rows), len(methods) + 2, squeeze=False, width_ratios=[1.4, *[1] * (len(methods) + 1)]
    )
    for axes in grid.flat:
        axes.axis("off")
    for (caption, original, *places), row in zip(grid, rows, strict=True):
        caption.text(0, 0.5, row.caption, fontsize=8, va="center", transform=caption.transAxes)
        show_garment(original, row.image)
        for axes, heatmap in zip(places, row.maps, strict=True):
            show_garment(axes, row.image)
            _show_heat(axes, heatmap, _OPACITY)
    for axes, method in zip(grid[0, 2:], methods, strict=True):
        axes.set_title(method.replace("_", " ").replace(" ", "\n", 1), fontsize=8)
    figure.suptitle(title)
    _show_scale(figure)
    return figure


def overlay(
    image: npt.NDArray[np.uint8], heatmap: npt.NDArray[np.float32]
) -> npt.NDArray[np.uint8]:
    """Return a heat map over its image, both [28, 28], as colours: uint8 [28, 28, 3]."""
    paper = colormaps[GARMENT](image)[..., :3]
    heat = colormaps[HEAT](heatmap)[..., :3]
    opacity = _OPACITY * np.sqrt(heatmap)[..., None]
    return np.round(255 * (opacity * heat + (1 - opacity) * paper)).astype(np.uint8)


def _show_heat(axes: Axes, heatmap: npt.NDArray[np.float32], opacity: float | None = None) -> None:
    alpha = None if opacity is None else opacity * np.sqrt(heatmap)
    axes.imshow(heatmap, cmap=HEAT, vmin=0, vmax=1, alpha=alpha)
    axes.axis("off")


def _show_scale(figure: Figure) -> None:
    """Draw below the maps which colour is how much heat."""
    scale = figure.colorbar(
        ScalarMappable(cmap=HEAT),
        ax=figure.axes,
        location="bottom",
        shrink=0.3,
        aspect=40,
        pad=0.01,
    )
    scale.set_ticks([0, 1], labels=["no heat", "the most of its map"], fontsize=8)
