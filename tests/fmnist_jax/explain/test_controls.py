import numpy as np
import pytest

from fmnist_jax.explain.controls import CONTROLS, edges, gaussian, silhouette

RING = np.zeros((2, 28, 28), np.uint8)
RING[0, 6:22, 6:22] = 180
RING[0, 10:18, 10:18] = 0


@pytest.mark.parametrize("name", CONTROLS)
def test_every_control_is_a_map_of_each_image(name):
    maps = CONTROLS[name](RING)
    assert maps.shape == RING.shape
    assert maps.dtype == np.float32
    assert maps.min() >= 0
    assert maps.max() <= 1
    np.testing.assert_array_equal(maps, CONTROLS[name](RING))


def test_the_silhouette_has_no_holes():
    (filled, empty) = silhouette(RING)
    assert filled[6:22, 6:22].all()
    assert filled.sum() == 16 * 16
    assert not empty.any()


def test_edges_are_where_brightness_changes():
    (ring, flat) = edges(RING)
    assert ring[6, 14] > 0.5
    assert ring[8, 14] == ring[14, 14] == 0
    assert not flat.any()


def test_the_gaussian_is_in_the_centre():
    (blob, _) = gaussian(RING)
    np.testing.assert_array_equal(blob, blob[::-1, ::-1])
    assert blob[13, 13] == blob.max()
