import jax
import jax.numpy as jnp
import numpy as np
from scipy.stats import spearmanr

from fmnist_jax.explain.base import explain
from fmnist_jax.explain.sanity import (
    max_sensitivity,
    randomization_correlations,
    rank_correlation,
)
from tests.support.small_networks import Pooled, trained

IMAGES = np.asarray(jax.random.uniform(jax.random.key(0), (4, 28, 28, 1)))
TARGETS = np.array([2, 1, 0, 1])
VARIABLES = trained(Pooled(), IMAGES)


def test_layers_are_randomised_from_the_output_to_the_input_and_stay_so():
    found = randomization_correlations(Pooled(), VARIABLES, IMAGES, TARGETS, "gradcam", seed=5)
    assert list(found) == ["classifier", "second", "first"]
    fresh = Pooled().init(jax.random.key(5), jnp.zeros((1, 28, 28, 1)))
    original = explain(Pooled(), VARIABLES, IMAGES, TARGETS)
    both = {
        "params": {**VARIABLES["params"], **fresh["params"]}
        | {"first": VARIABLES["params"]["first"]}
    }
    for name, variables in (("second", both), ("first", fresh)):
        maps = explain(Pooled(), variables, IMAGES, TARGETS)
        np.testing.assert_allclose(found[name], rank_correlation(original, maps), atol=1e-5)


def test_a_map_of_the_image_alone_survives_the_randomisation_of_its_head():
    found = randomization_correlations(Pooled(), VARIABLES, IMAGES, TARGETS, "eigencam")
    np.testing.assert_allclose(found["classifier"], 1, atol=1e-5)


def test_rank_correlation_is_spearmans():
    first, second = np.random.default_rng(0).integers(0, 9, (2, 3, 28, 28)).astype(np.float32)
    expected = [
        spearmanr(a.ravel(), b.ravel()).statistic for a, b in zip(first, second, strict=True)
    ]
    np.testing.assert_allclose(rank_correlation(first, second), expected, rtol=1e-5)
    flat = np.zeros_like(first)
    np.testing.assert_array_equal(rank_correlation(first, flat), 0)


def test_max_sensitivity_against_a_loop():
    options = {"radius": 0.1, "samples": 3}
    found = max_sensitivity(Pooled(), VARIABLES, IMAGES, TARGETS, "hirescam", **options)
    generator = np.random.default_rng(0)
    original = explain(Pooled(), VARIABLES, IMAGES, TARGETS, "hirescam")
    distances = []
    for _ in range(3):
        noise = generator.uniform(-0.1, 0.1, IMAGES.shape).astype(np.float32)
        moved = explain(Pooled(), VARIABLES, IMAGES + noise, TARGETS, "hirescam") - original
        distances.append(
            [np.linalg.norm(m) / np.linalg.norm(o) for m, o in zip(moved, original, strict=True)]
        )
    np.testing.assert_allclose(found, np.max(distances, 0), rtol=1e-4)
    still = max_sensitivity(Pooled(), VARIABLES, IMAGES, TARGETS, radius=0.0, method="hirescam")
    np.testing.assert_array_equal(still, 0)
