import numpy as np
import pytest
from scipy import ndimage
from skimage.transform import AffineTransform, warp

from fmnist_jax.evaluation.robustness import (
    CORRUPTIONS,
    SEVERITIES,
    corrupt,
    corruption_accuracy,
)

IMAGES = np.random.default_rng(0).integers(0, 256, (16, 28, 28)).astype(np.uint8)
SMOOTH = np.stack([ndimage.gaussian_filter(image, 2.0) for image in IMAGES])


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_corruption_is_the_same_for_the_same_seed_and_grows_with_severity(name):
    distances = []
    for severity in SEVERITIES:
        corrupted = corrupt(name, SMOOTH, severity, seed=1)
        assert corrupted.dtype == np.uint8
        assert corrupted.shape == SMOOTH.shape
        np.testing.assert_array_equal(corrupted, corrupt(name, SMOOTH, severity, seed=1))
        distances.append(np.abs(corrupted.astype(float) - SMOOTH).mean())
    assert distances[0] > 0
    assert distances[-1] > distances[0], "the strongest changes the most"


@pytest.mark.parametrize("name", ["translate", "rotate", "shear", "gaussian_noise", "occlusion"])
def test_another_seed_corrupts_differently(name):
    assert (corrupt(name, IMAGES, 3, seed=1) != corrupt(name, IMAGES, 3, seed=2)).any()


def near(ours, expected):
    np.testing.assert_allclose(ours.astype(float), expected, atol=1.01)


def test_blur_is_that_of_scipy():
    expected = [ndimage.gaussian_filter(i.astype(float), 2, mode="nearest") for i in IMAGES]
    near(corrupt("gaussian_blur", IMAGES, 2), expected)


def test_scale_is_that_of_an_independent_library():
    factor = 1 / 0.7
    centred = AffineTransform(scale=(factor, factor), translation=[13.5 * (1 - factor)] * 2)
    expected = [warp(image.astype(float), centred) for image in SMOOTH]
    near(corrupt("scale", SMOOTH, 3), expected)


@pytest.mark.parametrize(("name", "matrix"), [
    ("rotate", lambda sign: _about_the_middle(AffineTransform(rotation=0.6 * sign))),
    ("shear", lambda sign: _about_the_middle(
        AffineTransform(matrix=np.array([[1, 0.4 * sign, 0], [0, 1, 0], [0, 0, 1.0]])))),
])  # fmt: skip
def test_each_image_is_turned_one_way_or_the_other(name, matrix):
    corrupted = corrupt(name, SMOOTH, 3).astype(float)
    either = [[warp(i.astype(float), matrix(sign)) for i in SMOOTH] for sign in (1, -1)]
    distance = np.abs(np.array(either) - corrupted).max((2, 3))
    assert (distance.min(0) < 1.01).all()
    assert len(set(distance.argmin(0).tolist())) == 2, "both directions occur"


def _about_the_middle(transform):
    to_middle, back = (
        AffineTransform(translation=(-13.5, -13.5)),
        AffineTransform(translation=(13.5, 13.5)),
    )
    return to_middle + transform + back


def test_whole_pixels_are_moved():
    corrupted = corrupt("translate", IMAGES, 2)
    for before, after in zip(IMAGES, corrupted, strict=True):
        moved = [
            ndimage.shift(before, (down, right), order=0) for down in (2, -2) for right in (2, -2)
        ]
        assert any((after == candidate).all() for candidate in moved)


def test_tones_follow_their_formulas():
    x = IMAGES / 255
    near(corrupt("inverse", IMAGES, 5), 255.0 - IMAGES)
    near(corrupt("brightness", IMAGES, 4), 255 * np.minimum(x + 0.4, 1))
    mean = x.mean((1, 2), keepdims=True)
    near(corrupt("contrast", IMAGES, 5), 255 * (mean + 0.05 * (x - mean)))


def test_noise_hits_as_many_pixels_as_it_says():
    grey = np.full((50, 28, 28), 128, np.uint8)
    hit = corrupt("impulse_noise", grey, 5)
    assert (hit == 0).mean() == pytest.approx(0.135, abs=0.01)
    assert (hit == 255).mean() == pytest.approx(0.135, abs=0.01)
    noisy = corrupt("gaussian_noise", grey, 1).astype(float)
    assert noisy.std() == pytest.approx(0.08 * 255, rel=0.03)


def test_a_square_is_covered_and_stripes_are_inverted():
    black = np.zeros((8, 28, 28), np.uint8)
    assert ((corrupt("occlusion", black, 2) == 128).sum((1, 2)) == 64).all()
    assert ((corrupt("stripe", black, 3) == 255).sum((1, 2)) == 28 * 10).all()


def test_accuracy_is_counted_per_corruption_and_severity():
    dark = np.zeros((4, 28, 28), np.uint8)

    def predict(images):  # class 1 where an image is bright
        bright = images.mean((1, 2)) > 127
        return np.stack([~bright, bright], 1).astype(np.float32)

    accuracy = corruption_accuracy(predict, dark, [0, 0, 0, 1], 4)
    assert set(accuracy) == set(CORRUPTIONS)
    assert accuracy["inverse"] == [0.75, 0.75, 0.25, 0.25, 0.25]
    assert accuracy["rotate"] == [0.75] * 5


def test_each_corruption_has_a_sample_of_its_own():
    images = np.arange(40, dtype=np.uint8)[:, None, None] * np.ones((1, 28, 28), np.uint8)
    batches = []

    def predict(batch):
        batches.append(batch)
        return np.zeros((len(batch), 2), np.float32)

    accuracy = corruption_accuracy(predict, images, [0] * 20 + [1] * 20, 8)
    assert {len(batch) for batch in batches} == {5 * 8}
    assert len({value for values in accuracy.values() for value in values}) > 2
    assert corruption_accuracy(predict, images, [0] * 20 + [1] * 20, 8) == accuracy
