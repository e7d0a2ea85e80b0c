import io

import numpy as np
import pytest

from bench.reporting.rendering.console import PlainConsole
from bench.reporting.rendering.pixels import can_show, draw_row
from fmnist_jax.figures.explanations import overlay

PICTURES = np.arange(5 * 28 * 28 * 3, dtype=np.uint32).reshape(5, 28, 28, 3).astype(np.uint8)


@pytest.mark.parametrize(("width", "count"), [(20, 1), (80, 2), (88, 3), (200, 5)])
def test_as_many_pictures_as_fit_two_pixels_to_a_character(width, count):
    console = PlainConsole(width=200, file=io.StringIO())
    console.print(draw_row(PICTURES, width))
    lines = [line for line in console.file.getvalue().splitlines() if line.strip()]
    assert len(lines) == 14
    assert {len(line) for line in lines} == {28 * count + 2 * (count - 1)}


def test_only_a_terminal_with_all_colours_can_show_them():
    assert not can_show(PlainConsole(file=io.StringIO()))
    assert not can_show(
        PlainConsole(file=io.StringIO(), force_terminal=True, color_system="standard")
    )
    assert can_show(PlainConsole(file=io.StringIO(), force_terminal=True, color_system="truecolor"))


def test_heat_covers_the_garment_and_its_absence_nothing():
    image = np.zeros((28, 28), np.uint8)
    image[10:20] = 255
    cold, hot = (overlay(image, np.full((28, 28), heat, np.float32)) for heat in (0, 1))
    assert (cold[0] == 255).all()  # white paper
    assert (cold[10:20] == 0).all()
    assert (hot != cold).any(-1).all()
