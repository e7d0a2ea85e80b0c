import numpy as np
import pytest

from fmnist_jax.explain.imputation import impute

GENERATOR = np.random.default_rng(0)


def solved(image, removed):
    """The same linear system, as a dense matrix."""
    places = [tuple(place) for place in np.argwhere(removed)]
    matrix, right = np.zeros((len(places),) * 2), np.zeros(len(places))
    for row, (i, j) in enumerate(places):
        for a, b in np.ndindex(3, 3):
            place = (i + a - 1, j + b - 1)
            inside = all(0 <= k < size for k, size in zip(place, image.shape, strict=True))
            if place == (i, j) or not inside:
                continue
            weight = 1 / 6 if a == 1 or b == 1 else 1 / 12
            matrix[row, row] += weight
            if removed[place]:
                matrix[row, places.index(place)] -= weight
            else:
                right[row] += weight * image[place]
    filled = image.copy()
    filled[removed] = np.linalg.solve(matrix, right)
    return filled


def test_one_pixel_is_the_weighted_mean_of_its_neighbours():
    image = np.arange(9, dtype=np.float32).reshape(3, 3) ** 2
    removed = np.zeros((3, 3), bool)
    removed[1, 1] = True
    sides, corners = image[[0, 1, 1, 2], [1, 0, 2, 1]], image[[0, 0, 2, 2], [0, 2, 0, 2]]
    expected = sides.sum() / 6 + corners.sum() / 12
    filled = np.asarray(impute(image[None], removed[None]))[0]
    assert filled[1, 1] == pytest.approx(expected, rel=1e-5)
    np.testing.assert_array_equal(filled[~removed], image[~removed])


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("hole", ["scattered", "coherent", "half", "frame"])
def test_against_a_direct_solution(share, hole):
    """The error stays below a third of the noise that is added afterwards."""
    images = GENERATOR.random((3, 28, 28)).astype(np.float32)
    rows, columns = np.indices((28, 28))
    distance = (rows - 12) ** 2 + (columns - 15) ** 2
    orders = {
        "scattered": GENERATOR.random((28, 28)),
        "coherent": distance,
        "half": 28 * rows + columns,
        "frame": -distance,
    }
    removed = orders[hole] < np.quantile(orders[hole], share)
    filled = np.asarray(impute(images, np.broadcast_to(removed, images.shape)))
    for image, ours in zip(images, filled, strict=True):
        np.testing.assert_allclose(ours, solved(image.astype(np.float64), removed), atol=3e-3)


def test_any_number_of_leading_axes():
    images = GENERATOR.random((2, 3, 28, 28)).astype(np.float32)
    removed = GENERATOR.random((2, 3, 28, 28)) < 0.3
    together = np.asarray(impute(images, removed))
    for place in np.ndindex(2, 3):
        alone = np.asarray(impute(images[place][None], removed[place][None]))[0]
        np.testing.assert_allclose(together[place], alone, atol=1e-5)


def test_what_is_complete_stays_as_it_is():
    images = GENERATOR.random((1, 28, 28)).astype(np.float32)
    np.testing.assert_array_equal(impute(images, np.zeros((1, 28, 28), bool)), images)
