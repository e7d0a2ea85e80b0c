import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fmnist_jax.analysis import preprocessing
from tests.support.small_data import small_split

RAMP = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)


@given(st.integers(-255, 255))
def test_brightness_is_clipped_and_never_wraps(shift):
    changed = preprocessing.shift_brightness(RAMP, shift)
    np.testing.assert_array_equal(changed.ravel(), np.clip(np.arange(256) + shift, 0, 255))


@given(st.floats(0, 10))
def test_contrast_keeps_the_order_of_pixels(factor):
    changed = preprocessing.scale_contrast(RAMP, factor).ravel().astype(int)
    assert (np.diff(changed) >= 0).all()


def test_contrast_by_hand():
    image = np.array([[[0, 100, 127, 128, 200, 255]]], np.uint8)
    np.testing.assert_array_equal(
        preprocessing.scale_contrast(image, 2.0).ravel(), [0, 72, 126, 128, 255, 255]
    )


def test_clipped_shares_by_hand():
    shares = preprocessing.clipped_shares(RAMP)
    assert shares["brightness +30"] == pytest.approx(30 / 256)
    assert shares["brightness -60"] == pytest.approx(60 / 256)
    assert shares["contrast ×0.5"] == 0
    assert shares["contrast ×2"] == pytest.approx(128 / 256)


def test_normalisations_have_the_moments_that_they_promise():
    images = small_split().images
    ranges = {
        name: preprocessing.describe(images, scale, chunk=50)
        for name, scale in preprocessing.normalisations(images).items()
    }
    assert ranges["[0, 1]"].max == pytest.approx(images.max() / 255)
    assert ranges["[-1, 1]"].min == pytest.approx(-1)
    assert ranges["standardised"].mean == pytest.approx(0, abs=1e-4)
    assert ranges["standardised"].std == pytest.approx(1, abs=1e-4)
    unit = preprocessing.normalisations(images)["unit L2 norm"](images)
    np.testing.assert_allclose(np.linalg.norm(unit, axis=(1, 2)), 1, atol=1e-5)


def test_margins_are_the_empty_rows_and_columns():
    image = np.zeros((1, 28, 28), np.uint8)
    image[0, 3:20, 5:24] = 1
    margins = preprocessing.empty_margins(image)
    assert {side: int(values[0]) for side, values in margins.items()} == {
        "top": 3,
        "bottom": 8,
        "left": 5,
        "right": 4,
    }


def test_advice_names_the_classes_that_face_one_side():
    flip, shift, _ = preprocessing.advise(
        {"bag": 0.99, "boot": 0.5}, {"top": 0, "bottom": 2, "left": 3, "right": 3}, 0.3
    )
    assert "boot face one side" in flip.advice
    assert "cuts half" in shift.advice
