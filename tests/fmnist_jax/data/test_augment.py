import math
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from fmnist_jax.data.augment import (
    ERASED_AREA,
    ERASED_ASPECT,
    Augment,
    affine,
    augment,
    brighten,
    draw,
    erase,
    flip,
    rectangle,
    shift,
)

EVERYTHING = Augment(flip=True, shift=2, rotate=10, zoom=0.1, brightness=0.1, erase=0.5)
ALONE = [
    Augment(),
    Augment(flip=False, shift=3),
    Augment(flip=False, rotate=20),
    Augment(flip=False, zoom=0.2),
    Augment(flip=False, brightness=0.5),
    Augment(flip=False, erase=1),
]
KEY = jax.random.key(0)
SETTINGS = settings(deadline=None, max_examples=30)


@partial(jax.jit, static_argnames="config")
def run(key, images, config, turn=None):
    """Draw and apply at once."""
    return augment(images, draw(key, len(images), config, turn), config)


@pytest.fixture(autouse=True)
def _strict():
    with jax.numpy_rank_promotion("raise"):
        yield


def pictures(n: int, seed: int = 0, shape: tuple[int, int] = (28, 28)) -> np.ndarray:
    return np.random.default_rng(seed).random((n, *shape), np.float32)


# --- each transform against an independent reference ---


def test_flip_mirrors_the_chosen():
    images, mirrored = pictures(6), np.array([True, False, True, True, False, False])
    expected = np.stack([np.fliplr(i) if m else i for i, m in zip(images, mirrored, strict=True)])
    np.testing.assert_array_equal(flip(images, mirrored), expected)


def test_alternating_flips_mirror_each_image_in_every_other_epoch():
    images, index = pictures(6), np.array([4, 1, 7, 0, 3, 2])
    config = Augment(alternate=True)
    first, second, third = (run(KEY, images, config, turn=index + epoch) for epoch in (1, 2, 3))
    np.testing.assert_array_equal(second, np.asarray(first)[:, :, ::-1])
    np.testing.assert_array_equal(third, first)
    np.testing.assert_array_equal(first, flip(images, index % 2 == 1))


def test_alternating_flips_need_the_turn():
    with pytest.raises(ValueError, match="turn"):
        draw(KEY, 2, Augment(alternate=True))


def test_shift_moves_and_fills_with_zeros():
    images = pictures(49)
    down, right = (v.ravel() for v in np.mgrid[-3:4, -3:4])
    expected = [
        ndimage.shift(i, (y, x), order=0) for i, y, x in zip(images, down, right, strict=True)
    ]
    np.testing.assert_array_equal(shift(images, down, right, 3), np.stack(expected))


@SETTINGS
@given(
    angle=st.floats(-math.pi, math.pi),
    zoom=st.floats(0.3, 2.5),
    shape=st.sampled_from([(28, 28), (7, 12), (9, 9)]),
    seed=st.integers(0, 100),
)
def test_affine_is_bilinear_sampling_about_the_middle(angle, zoom, shape, seed):
    (image,) = pictures(1, seed, shape)
    # Rows point down, so this turns counterclockwise as seen.
    back = (
        np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]]) / zoom
    )
    middle = (np.array(shape) - 1) / 2
    expected = ndimage.affine_transform(
        image.astype(np.float64), back, middle - back @ middle, order=1, mode="grid-constant"
    )
    angles, zooms = np.float32([angle]), np.float32([zoom])
    result = jax.jit(affine)(image[None], angles, zooms)[0]
    np.testing.assert_allclose(result, expected, atol=1e-4)


def test_affine_turns_counterclockwise_and_enlarges():
    image = np.zeros((1, 9, 9), np.float32)
    image[0, 4, 6] = 1  # right of the middle
    turned = affine(image, jnp.array([math.pi / 2]), jnp.ones(1))[0]
    assert np.unravel_index(turned.argmax(), (9, 9)) == (2, 4)  # above it
    grown = affine(image, jnp.zeros(1), jnp.array([2.0]))[0]
    assert np.unravel_index(grown.argmax(), (9, 9)) == (4, 8)


def test_affine_by_nothing_changes_nothing():
    images = pictures(4)
    np.testing.assert_array_equal(affine(images, jnp.zeros(4), jnp.ones(4)), images)


def test_brighten_multiplies_and_clips():
    images, factor = pictures(3), np.array([0.5, 1.0, 1.7], np.float32)
    expected = np.minimum(images * factor[:, None, None], 1)
    np.testing.assert_array_equal(brighten(images, factor), expected)


def test_erase_fills_a_rectangle_of_the_chosen():
    images = pictures(3)
    expected = images.copy()
    expected[0, 2:7, 3:13] = 0.25
    expected[2, 20:28, 0:1] = 0.75
    top, left = np.array([2, 0, 20]), np.array([3, 0, 0])
    height, width = np.array([5, 9, 8]), np.array([10, 9, 1])
    tone = np.array([0.25, 0.5, 0.75], np.float32)
    chosen = np.array([True, False, True])
    np.testing.assert_array_equal(erase(images, chosen, top, left, height, width, tone), expected)


def test_rectangles_have_the_published_sizes_and_lie_inside():
    uniform = jax.random.uniform(jax.random.key(0), (4, 20_000))
    top, left, height, width = (
        np.asarray(v) for v in jax.jit(partial(rectangle, (28, 28)))(*uniform)
    )
    assert min(top.min(), left.min()) == 0
    assert (top + height).max() == (left + width).max() == 28
    area, aspect = height * width / 28**2, height / width
    # Rounding to whole pixels is most of the difference in the small ones.
    assert ERASED_AREA[0] * 0.6 < area.min() < 0.025
    assert 0.19 < area.max() < ERASED_AREA[1] * 1.1
    assert abs(area.mean() - np.mean(ERASED_AREA)) < 0.005
    assert ERASED_ASPECT[0] * 0.6 < aspect.min() < 0.4
    assert abs((aspect > 1).mean() - (aspect < 1).mean()) < 0.03
