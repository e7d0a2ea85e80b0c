"""Pictures of many images: grids with names of rows and columns, or a caption for each."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from fmnist_jax.figures.style import GARMENT

_GAP = 3  # pixels between images
_LINE = 5  # pixels of a line of text above an image

Grid = npt.NDArray[np.floating] | npt.NDArray[np.uint8]


def draw_grid(
    images: Grid,
    title: str,
    rows: Sequence[str] = (),
    columns: Sequence[str] = (),
    captions: Sequence[str] = (),
) -> Figure:
    """Draw images in r rows and c columns.

    They are one picture in one panel, which takes a tenth of the time of a panel each.

    Args:
        images: [r, c, h, w], values in 0..255.
        title: of the figure.
        rows: names, or none.
        columns: names, or none.
        captions: one above each image, row by row, or none.
    """
    height, width = images.shape[2:]
    above = _GAP + _LINE * max((text.count("\n") + 1 for text in captions), default=0)
    left = np.arange(images.shape[1]) * (width + _GAP)
    top = np.arange(images.shape[0]) * (height + above) + above
    canvas = np.full((top[-1] + height, left[-1] + width), np.nan)
    for row, column in np.ndindex(images.shape[:2]):
        at = np.s_[top[row] : top[row] + height, left[column] : left[column] + width]
        canvas[at] = images[row, column]

    lines = max((text.count("\n") + 1 for text in columns), default=0)
    inches = (canvas.shape[1] / 29 + 1.2 * bool(rows), canvas.shape[0] / 29 + 0.4 + 0.17 * lines)
    figure = Figure(figsize=inches, layout="constrained")
    axes = figure.subplots()
    # Four dots a pixel: none of a pixel's sides is lost or blurred.
    axes.imshow(canvas, cmap=GARMENT, vmin=0, vmax=255, interpolation="nearest")
    axes.spines[:].set_visible(False)
    axes.tick_params(
        length=0, labelsize=9, top=False, labeltop=True, bottom=False, labelbottom=False
    )
    axes.set_xticks(left + (width - 1) / 2 if columns else [], columns or None)
    axes.set_yticks(top + (height - 1) / 2 if rows else [], rows or None)
    for text, (row, column) in zip(captions, np.ndindex(images.shape[:2]), strict=False):
        centre = left[column] + (width - 1) / 2
        axes.text(centre, top[row] - 2, text, ha="center", va="bottom", fontsize=8)
    figure.suptitle(title)
    return figure


def draw_captioned(
    images: npt.NDArray[np.uint8], captions: Sequence[str], title: str, columns: int = 10
) -> Figure:
    """Draw images [n, h, w], n > 0, each below its caption, in rows of `columns`."""
    columns = min(columns, len(images))
    missing = -len(images) % columns
    padded = np.concatenate([images, np.zeros((missing, *images.shape[1:]), images.dtype)])
    return draw_grid(padded.reshape(-1, columns, *images.shape[1:]), title, captions=captions)
