import numpy as np
import pytest
from sklearn.metrics.pairwise import cosine_similarity

from fmnist_jax.analysis import measures
from fmnist_jax.data.dataset import Split
from tests.support.small_data import small_split

GENERATOR = np.random.default_rng(0)


def test_components_are_those_of_the_singular_value_decomposition():
    images = small_split().images
    components = measures.principal_components(images, chunk=50)
    flat = images.reshape(len(images), -1) / 255.0
    _, values, axes = np.linalg.svd(flat - flat.mean(0), full_matrices=False)
    shares = values**2 / (values**2).sum()
    np.testing.assert_allclose(components.shares[:100], shares[:100], atol=1e-12)
    assert components.count_for(0.95) == int((np.cumsum(shares) < 0.95).sum()) + 1
    expected = (flat - flat.mean(0)) @ axes[:3].T
    np.testing.assert_allclose(np.abs(components.project(images, 3)), np.abs(expected), atol=1e-9)


@pytest.mark.parametrize(("share", "count"), [(0.5, 1), (0.51, 2), (0.95, 3), (0.8, 2), (1.0, 4)])
def test_components_are_counted_over_all_of_them(share, count):
    shares = np.array([0.5, 0.3, 0.15, 0.05])
    assert measures.Components(np.zeros(4), np.eye(4), shares).count_for(share) == count


def test_cosine_similarity_is_scikit_learns():
    vectors = GENERATOR.normal(size=(6, 4, 5))
    vectors[2] = 0
    np.testing.assert_allclose(
        measures.cosine_similarity(vectors), cosine_similarity(vectors.reshape(6, -1)), atol=1e-12
    )


def test_pairs_are_ranked_once_each():
    scores = np.array([[1, 0.2, 0.9], [0.2, 1, 0.5], [0.9, 0.5, 1]])
    assert measures.rank_pairs(scores) == [(0, 2), (1, 2), (0, 1)]


def test_centroids_brightness_and_variance_by_hand():
    images = np.zeros((4, 28, 28), np.uint8)
    images[1] = 100
    images[2:] = 255
    split = Split(images, np.array([0, 0, 1, 1], np.uint8))
    np.testing.assert_array_equal(measures.brightness(images), [0, 100, 255, 255])
    centroids = measures.centroids(split, 2)
    assert (centroids[0] == 50).all()
    assert (centroids[1] == 255).all()
    np.testing.assert_allclose(measures.variance_within(split, 2), [50**2 / 255**2, 0])


def test_edges_surround_a_square_that_reaches_the_border():
    image = np.zeros((28, 28), np.uint8)
    image[10:, 8:20] = 255
    edges = measures.find_edges(image)
    assert edges.shape == (28, 28)
    assert edges[27, 6:9].any(), "the border's pixels have edges as well"
    assert not edges[14:, 11:17].any()
    assert not edges[:8].any()
    assert not measures.find_edges(image // 12).any(), "gradients below 100 are no edges"
