"""The style that all pictures share, and their file format."""

import io

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

GARMENT = "gray_r"  # dark garments on white paper, as printed figures have them
HEAT = "inferno"


def png(figure: Figure) -> bytes:
    """Encode a figure as an 8-bit PNG: flat colours, so a palette keeps it small."""
    from PIL import Image

    raw = io.BytesIO()
    figure.savefig(raw, format="png", dpi=100, bbox_inches="tight", facecolor="white")
    small = io.BytesIO()
    Image.open(raw).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(
        small, format="PNG", optimize=True
    )
    return small.getvalue()


def show_garment(axes: Axes, image: npt.NDArray[np.uint8]) -> None:
    """Show an image, uint8 [28, 28], without axes around it."""
    axes.imshow(image, cmap=GARMENT, vmin=0, vmax=255)
    axes.axis("off")
