"""The features of the trees, against differences taken pixel by pixel."""

import numpy as np

from fmnist_jax.baselines.base import flatten
from fmnist_jax.baselines.differences import describe
from fmnist_jax.data.drawing.garments import generate

IMAGES = generate(0, 3).images


def differences(image):
    rows, columns = image.shape
    right = [image[i, j + 1] - image[i, j] for i in range(rows) for j in range(columns - 1)]
    down = [image[i + 1, j] - image[i, j] for i in range(rows - 1) for j in range(columns)]
    return right + down


def describe_slowly(image):
    found = differences(image)
    for size in (2, 4):
        count = 28 // size
        squares = [
            [image[size * i : size * (i + 1), size * j : size * (j + 1)] for j in range(count)]
            for i in range(count)
        ]
        means = np.array([[square.mean() for square in row] for row in squares])
        found += [*means.ravel(), *differences(means)]
    return found


def test_all_differences_and_means_are_there():
    found = describe(flatten(IMAGES))
    expected = [describe_slowly(image / 255) for image in IMAGES]
    assert found.dtype == np.float32
    assert found.shape == (3, 2205)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_an_image_does_not_depend_on_its_batch(monkeypatch):
    whole = describe(flatten(IMAGES))
    monkeypatch.setattr("fmnist_jax.baselines.differences.BATCH", 2)
    np.testing.assert_array_equal(describe(flatten(IMAGES)), whole)
