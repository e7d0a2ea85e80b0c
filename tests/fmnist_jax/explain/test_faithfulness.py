"""The metrics against cases that can be computed by hand."""

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fmnist_jax.explain import faithfulness
from fmnist_jax.explain.faithfulness import STEPS, area, heat_on_garment, rank_pixels, score_maps

GENERATOR = np.random.default_rng(0)
IMAGES = GENERATOR.integers(30, 256, (3, 28, 28)).astype(np.uint8)
TARGETS = np.array([0, 1, 0])


class Brightness(nn.Module):
    """The probability of class 0 is the mean brightness, that of class 1 the rest."""

    def __call__(self, images):
        mean = jnp.clip(images.mean((1, 2, 3)), 1e-6, 1 - 1e-6)
        return jnp.log(jnp.stack([mean, 1 - mean], -1))


def by_hand(image, heat, target, baseline):
    """Deletion and insertion as a loop over pixels, for a map without ties."""
    order = np.argsort(-heat.ravel())
    curves = []
    for start, end in ((image, baseline), (baseline, image)):
        pixels, curve = start.ravel().copy(), []
        for step in range(STEPS + 1):
            chosen = order[: round(step * 784 / STEPS)]
            pixels[chosen] = end.ravel()[chosen]
            curve.append(pixels.mean() if target == 0 else 1 - pixels.mean())
        curves.append(np.trapezoid(curve, dx=1 / STEPS))
    return curves


@pytest.fixture(scope="module")
def scored():
    maps = GENERATOR.random((2, 3, 28, 28)).astype(np.float32)
    return maps, score_maps(Brightness(), {}, IMAGES, TARGETS, maps)


@pytest.mark.parametrize("name", ["zero", "mean"])
def test_deletion_and_insertion_against_a_loop(scored, name):
    maps, scores = scored
    for m, n in np.ndindex(2, 3):
        image = IMAGES[n] / 255
        baseline = np.full_like(image, 0 if name == "zero" else image.mean())
        deletion, insertion = by_hand(image, maps[m, n], TARGETS[n], baseline)
        assert scores[f"deletion_{name}"][m, n] == pytest.approx(deletion, abs=1e-4)
        assert scores[f"insertion_{name}"][m, n] == pytest.approx(insertion, abs=1e-4)


def test_road_takes_the_hottest_or_the_coldest_pixels_first():
    """Bright pixels are hot: without them the image is darker, without the dark ones brighter."""
    bright = np.where(np.arange(28) < 14, 200, 60).astype(np.uint8)
    image = np.broadcast_to(bright, (1, 28, 28))
    heat = image.astype(np.float32)[None] / 255
    scores = score_maps(Brightness(), {}, image, np.array([0]), heat)
    mean = image.mean() / 255
    assert scores["road_morf"][0, 0] < mean - 0.02
    assert scores["road_lerf"][0, 0] > mean + 0.02
    half = (scores["road_lerf"] - scores["road_morf"]) / 2
    np.testing.assert_allclose(scores["road_combined"], half)


def test_any_number_of_images_scores_each_alone(scored):
    maps, scores = scored
    alone = score_maps(Brightness(), {}, IMAGES[2:], TARGETS[2:], maps[:, 2:])
    for name, values in scores.items():
        assert values.shape == (2, 3)
        np.testing.assert_allclose(alone[name][:, 0], values[:, 2], atol=1e-5, err_msg=name)


def test_chunks_are_joined(monkeypatch, scored):
    maps, scores = scored
    monkeypatch.setattr(faithfulness, "_IMAGES", 2)
    again = score_maps(Brightness(), {}, IMAGES, TARGETS, maps)
    for name, values in scores.items():
        np.testing.assert_allclose(again[name], values, atol=1e-5, err_msg=name)


def test_the_share_of_heat_on_the_garment():
    image = np.zeros((1, 28, 28), np.uint8)
    image[0, 4:24, 4:24] = 200
    image[0, 10:12, 10:12] = 0  # a hole in the garment belongs to it
    heat = np.zeros((3, 1, 28, 28), np.float32)
    heat[0, 0, 10, 10], heat[0, 0, 0, 0] = 3, 1
    heat[1, 0, 5:8, 5:8] = 1
    shares = heat_on_garment(image, heat)
    np.testing.assert_allclose(shares[:2, 0], [0.75, 1.0])
    assert np.isnan(shares[2, 0])


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 784))
def test_ranks_are_a_permutation_that_follows_the_heat(seed, levels):
    heat = np.random.default_rng(seed).integers(0, levels, (28, 28)).astype(np.float32)
    rank = np.asarray(rank_pixels(jnp.asarray(heat)))
    assert sorted(rank.ravel()) == list(range(784))
    assert (np.diff(heat.ravel()[np.argsort(rank.ravel())]) <= 0).all()


def test_ties_are_not_taken_from_the_top():
    rank = np.asarray(rank_pixels(jnp.zeros((28, 28))))
    assert 300 < rank[:14].mean() < 480


def test_area_is_the_trapezoid_rule():
    curves = GENERATOR.random((9, 4)).astype(np.float32)
    np.testing.assert_allclose(
        area(jnp.asarray(curves)), np.trapezoid(curves, dx=1 / 8, axis=0), 1e-5
    )
