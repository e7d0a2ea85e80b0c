"""Show small pictures in a terminal, two pixels to a character."""

import numpy as np
import numpy.typing as npt
from PIL import Image
from rich.console import Console
from rich_pixels import Pixels

_GAP = 2  # columns between two pictures


def can_show(console: Console) -> bool:
    """Whether `console` is a terminal with 24-bit colours."""
    return console.is_terminal and console.color_system == "truecolor"


def draw_row(pictures: npt.NDArray[np.uint8], width: int) -> Pixels:
    """Draw as many pictures beside each other as fit into `width` columns, at least one.

    Args:
        pictures: colours, uint8 [n, h, w, 3].
        width: of the terminal.
    """
    gap = np.full((pictures.shape[1], _GAP, 3), 255, np.uint8)
    count = max(1, (width + _GAP) // (pictures.shape[2] + _GAP))
    strips = [strip for picture in pictures[:count] for strip in (gap, picture)][1:]
    return Pixels.from_image(Image.fromarray(np.concatenate(strips, axis=1)))
