"""What `draw` draws, and what holds for every configuration."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jax import lax
from pydantic import ValidationError

from fmnist_jax.data.augment import Augment, Numbers, augment, draw
from tests.fmnist_jax.data.test_augment import ALONE, EVERYTHING, SETTINGS, pictures, run

apply = jax.jit(partial(augment, config=EVERYTHING))

# --- what is drawn ---


@pytest.mark.parametrize("config", ALONE, ids=str)
def test_a_transform_that_is_on_changes_images_each_in_its_own_way(config):
    image = np.tile(pictures(1), (8, 1, 1)) * 0.6
    result = np.asarray(run(jax.random.key(0), image, config))
    ways = {r.tobytes() for r in result}
    assert len(ways) == 2 if config.flip else len(ways) == 8 or (config.shift and len(ways) > 5)
    assert not np.array_equal(result, run(jax.random.key(1), image, config))


def test_flips_half():
    image = np.tile(pictures(1), (2000, 1, 1))
    same = np.asarray(run(jax.random.key(0), image, Augment()) == image).all((1, 2)).mean()
    assert 0.45 < same < 0.55


def test_shifts_reach_the_limit_uniformly_in_both_directions():
    image = np.zeros((5000, 28, 28), np.float32)
    image[:, 14, 14] = 1
    result = np.asarray(run(jax.random.key(0), image, Augment(flip=False, shift=2)))
    _, y, x = np.nonzero(result)
    counts = np.zeros((5, 5))
    np.add.at(counts, (y - 12, x - 12), 1)
    assert counts.sum() == 5000
    assert abs(counts / 5000 - 1 / 25).max() < 0.015


def test_turns_and_zooms_reach_their_limits_and_no_further():
    image = np.zeros((2000, 29, 29), np.float32)
    image[:, 14, 20:25] = 1  # a bar right of the middle
    y, x = np.mgrid[-14:15, -14:15]

    def polar(config: Augment) -> tuple[np.ndarray, np.ndarray]:
        result = np.asarray(run(jax.random.key(0), image, config))
        mass = result.sum((1, 2))
        row, column = (result * y).sum((1, 2)) / mass, (result * x).sum((1, 2)) / mass
        return np.degrees(np.arctan2(-row, column)), np.hypot(row, column) / 8

    angle, distance = polar(Augment(flip=False, rotate=10))
    assert -10.1 < angle.min() < -9.5
    assert 9.5 < angle.max() < 10.1
    np.testing.assert_allclose(distance, 1, atol=0.02)
    angle, distance = polar(Augment(flip=False, zoom=0.1))
    np.testing.assert_allclose(angle, 0, atol=1e-3)
    assert 0.88 < distance.min() < 0.92
    assert 1.08 < distance.max() < 1.12


def test_brightness_reaches_its_limits_and_no_further():
    image = np.full((2000, 28, 28), 0.5, np.float32)
    config = Augment(flip=False, brightness=0.1)
    factor = np.asarray(run(jax.random.key(0), image, config)).mean((1, 2)) / 0.5
    assert 0.8999 < factor.min() < 0.905
    assert 1.095 < factor.max() < 1.1001


def test_erases_as_often_as_asked():
    image = np.full((4000, 28, 28), 2.0, np.float32)  # no tone is 2
    config = Augment(flip=False, erase=0.3)
    result = np.asarray(run(jax.random.key(0), image, config))
    assert abs((result != 2).any((1, 2)).mean() - 0.3) < 0.03


# --- what holds for every configuration ---


@pytest.mark.parametrize("shape", [(5, 28, 28), (5, 28, 28, 1), (5, 9, 14, 1)])
def test_off_is_the_identity_and_leaves_no_trace_in_the_program(shape):
    images = np.random.default_rng(0).random(shape, np.float32)
    off = Augment(flip=False)
    np.testing.assert_array_equal(run(jax.random.key(0), images, off), images)
    compiled = run.lower(jax.random.key(0), images, off).compile().as_text()
    assert "threefry" not in compiled
    assert "dynamic-slice" not in compiled
    assert "gather" not in compiled


@SETTINGS
@given(config=st.sampled_from([*ALONE, EVERYTHING]), seed=st.integers(0, 1000))
def test_shape_dtype_and_range_are_kept(config, seed):
    images = pictures(8, seed)
    result = np.asarray(run(jax.random.key(seed), images, config))
    assert result.shape == images.shape
    assert result.dtype == images.dtype
    assert result.min() >= 0
    assert result.max() <= 1 + 1e-6


def test_a_channel_and_another_dtype_are_kept():
    images, key = jnp.asarray(pictures(8)), jax.random.key(0)
    result = run(key, images.astype(jnp.bfloat16)[..., None], EVERYTHING)
    assert result.shape == (8, 28, 28, 1)
    assert result.dtype == jnp.bfloat16
    plain = run(key, images, EVERYTHING)
    np.testing.assert_allclose(result[..., 0].astype(jnp.float32), plain, atol=0.02)


@SETTINGS
@given(seed=st.integers(0, 1000))
def test_two_halves_are_the_whole(seed):
    images, key = pictures(8, seed), jax.random.key(seed)
    whole = run(key, images, EVERYTHING)
    numbers = draw(key, 8, EVERYTHING)
    halves = [
        apply(images[half], jax.tree.map(lambda drawn, half=half: drawn[half], numbers))
        for half in (slice(4), slice(4, 8))
    ]
    np.testing.assert_allclose(np.concatenate(halves), whole, atol=1e-6)


def test_transforms_draw_independently_of_each_other():
    images, key = pictures(8), jax.random.key(0)
    mirrored = run(key, images, Augment())
    both = run(key, images, Augment(brightness=0.2))
    alone = run(key, mirrored, Augment(flip=False, brightness=0.2))
    np.testing.assert_array_equal(both, alone)


def test_inside_scan_every_step_differs():
    images, key = np.tile(pictures(8), (3, 1, 1)), jax.random.key(0)

    @jax.jit
    def steps(key: jax.Array) -> jax.Array:
        drawn = draw(key, 24, EVERYTHING)
        numbers = jax.tree.map(lambda drawn: drawn.reshape(3, 8, *drawn.shape[1:]), drawn)

        def one(_: None, numbers: Numbers) -> tuple[None, jax.Array]:
            return None, augment(images[:8], numbers, EVERYTHING)

        return lax.scan(one, None, numbers)[1]

    result = np.asarray(steps(key))
    assert len({r.tobytes() for r in result}) == 3
    expected = np.asarray(run(key, images, EVERYTHING)).reshape(result.shape)
    np.testing.assert_allclose(result, expected, atol=1e-6)


@pytest.mark.parametrize(
    "wrong", [{"shift": -1}, {"shift": 1.5}, {"erase": 1.1}, {"zoom": 1}, {"flop": True}]
)
def test_config_refuses_what_makes_no_sense(wrong):
    with pytest.raises(ValidationError):
        Augment(**wrong)


def test_config_is_frozen_and_hashable():
    with pytest.raises(ValidationError):
        Augment().flip = False  # type: ignore[misc]
    assert hash(Augment(shift=1)) == hash(Augment(shift=1))
