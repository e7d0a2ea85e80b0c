"""Histograms of oriented gradients against votes counted pixel by pixel."""

import math

import numpy as np
import pytest

from fmnist_jax.baselines.base import flatten
from fmnist_jax.baselines.hog import describe
from fmnist_jax.data.drawing.garments import generate

IMAGES = generate(0, 3).images


def count_votes(image, orientations, cell):
    """Dalal and Triggs' votes, one pixel and one cell at a time, in double precision."""
    padded = np.pad(image / 255, 1)
    cells = 28 // cell
    first = (28 - cells * cell) / 2 + (cell - 1) / 2  # the first cell's centre
    sums = np.zeros((cells, cells, orientations))
    for row in range(28):
        for column in range(28):
            down = padded[row + 2, column + 1] - padded[row, column + 1]
            right = padded[row + 1, column + 2] - padded[row + 1, column]
            at = math.atan2(down, right) / (2 * math.pi) * orientations
            low = math.floor(at)
            for bin_, share in ((low, low + 1 - at), (low + 1, at - low)):
                for i in range(cells):
                    for j in range(cells):
                        near = max(0, 1 - abs(row - first - i * cell) / cell)
                        near *= max(0, 1 - abs(column - first - j * cell) / cell)
                        sums[i, j, bin_ % orientations] += math.hypot(down, right) * share * near
    return np.sqrt(sums)


@pytest.mark.parametrize(("orientations", "cell"), [(12, 7), (9, 5), (2, 28)])
def test_every_pixel_votes_for_the_nearest_orientations_and_cells(orientations, cell):
    expected = np.stack([count_votes(image, orientations, cell).ravel() for image in IMAGES])
    found = describe(flatten(IMAGES), orientations=orientations, cell=cell)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=2e-3)


def test_opposite_edges_are_different_orientations():
    step = np.zeros((1, 28, 28), np.uint8)
    step[:, :, 14:] = 200
    for turns in range(4):  # the light half is right, above, left, below
        image = np.rot90(step, turns, axes=(1, 2))
        found = describe(flatten(image), orientations=4, cell=14).reshape(-1, 4)
        inner = found.sum(0)
        assert inner.argmax() == -turns % 4


def test_an_image_does_not_depend_on_its_batch(monkeypatch):
    whole = describe(flatten(IMAGES), orientations=4, cell=4)
    monkeypatch.setattr("fmnist_jax.baselines.hog.BATCH", 2)
    np.testing.assert_array_equal(describe(flatten(IMAGES), orientations=4, cell=4), whole)
