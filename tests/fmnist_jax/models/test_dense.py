"""The projection of the dense network against scikit-learn's."""

import jax
import jax.numpy as jnp
import numpy as np
from sklearn.decomposition import PCA

from fmnist_jax.data.drawing.garments import generate
from fmnist_jax.learner import resolve

TRAIN = generate(0, 120)


def test_the_first_layer_sees_whitened_components_of_the_training_images():
    config = resolve("dense_pca", {"components": 5, "hidden": [3]})
    network = config.network("float32")
    images = TRAIN.images[:8, ..., None] / np.float32(255)
    drawn = network.init(jax.random.key(0), images)
    params, constants = config.initial_weights((drawn["params"], drawn["batch_stats"]), TRAIN, 0)
    pca = PCA(5, whiten=True, svd_solver="full").fit(TRAIN.images.reshape(120, -1) / 255)
    projected = pca.transform(images.reshape(8, -1))
    first = params["Dense_0"]
    hidden = np.maximum(projected @ first["kernel"] + first["bias"], 0)
    last = params["Dense_1"]
    got = network.apply({"params": params, "batch_stats": constants}, images)
    # Each component's sign is free: compare up to it by undoing the difference.
    signs = np.sign((constants["axes"].T * pca.components_).sum(1))
    hidden = np.maximum((projected * signs) @ first["kernel"] + first["bias"], 0)
    np.testing.assert_allclose(got, hidden @ last["kernel"] + last["bias"], rtol=1e-3, atol=1e-3)


def test_on_pixels_nothing_is_set():
    config = resolve("dense", {"hidden": [3]})
    weights = ({"a": jnp.ones(1)}, {})
    assert config.initial_weights(weights, TRAIN, 0) is weights


def test_a_projection_stays_as_it_is_where_weights_are_averaged():
    hyper = {"components": 5, "hidden": [3], "epochs": 2, "batch_size": 20, "average_decay": 0.9}
    config = resolve("dense_pca", hyper)
    learner = config.build(0)
    learner.prepare(TRAIN, TRAIN)
    learner.fit(lambda _: None)
    _, expected = config.initial_weights(({}, {}), TRAIN, 0)
    for name, constant in expected.items():
        np.testing.assert_allclose(learner.variables["batch_stats"][name], constant, atol=1e-30)
