import jax.numpy as jnp
import numpy as np
import optax
import pytest

from fmnist_jax.training.program.muon import STEPS, A, B, C, orthogonalise, scale_by_muon


def with_singular_values(values, shape, seed=0):
    generator = np.random.default_rng(seed)
    left, right = (np.linalg.qr(generator.normal(size=(n, len(values))))[0] for n in shape)
    return left * values @ right.T


def newton_schulz(x):
    """The iteration as it is written down, in float64."""
    x = x / np.linalg.norm(x)
    for _ in range(STEPS):
        gram = x.T @ x
        x = A * x + x @ (B * gram + C * gram @ gram)
    return x


@pytest.mark.parametrize("shape", [(288, 32), (32, 288), (64, 64), (1152, 128)])
@pytest.mark.parametrize("smallest", [1, 1e-2, 1e-5, 0])
def test_it_is_newton_and_schulz(shape, smallest):
    values = np.linspace(1, smallest, min(shape))
    kernel = with_singular_values(values, shape)
    ours = np.asarray(orthogonalise(jnp.float32(kernel)))
    tall = kernel if shape[0] >= shape[1] else kernel.T
    theirs = newton_schulz(tall)
    theirs = theirs if shape[0] >= shape[1] else theirs.T
    np.testing.assert_allclose(ours, theirs, atol=2e-3 * np.abs(theirs).max())


def test_singular_values_end_near_one_however_far_apart_they_are():
    kernel = with_singular_values(np.geomspace(1, 1e-2, 32), (288, 32))
    singular = np.linalg.svd(np.asarray(orthogonalise(jnp.float32(kernel))), compute_uv=False)
    np.testing.assert_allclose(singular, 1, atol=0.35)


def test_columns_that_learn_nothing_stay_at_zero():
    kernel = with_singular_values(np.ones(16), (36, 16))
    kernel[:, 3] = 0
    ours = np.asarray(orthogonalise(jnp.float32(kernel)))
    assert np.isfinite(ours).all()
    np.testing.assert_allclose(ours[:, 3], 0, atol=1e-5)
    np.testing.assert_array_equal(orthogonalise(jnp.zeros((36, 16))), 0)


def test_updates_are_those_of_optax():
    generator = np.random.default_rng(0)
    shapes = {"conv": (3, 3, 8, 16), "hidden": (72, 24)}
    axes = {"conv": (0, 1, 2), "hidden": (0,)}
    dimensions = {
        name: optax.contrib.MuonDimensionNumbers(inputs, len(inputs))
        for name, inputs in axes.items()
    }
    ours = scale_by_muon(0.9)
    theirs = optax.contrib.muon(
        -1.0, beta=0.9, consistent_rms=0.2, muon_weight_dimension_numbers=dimensions
    )
    params = {name: jnp.zeros(shape) for name, shape in shapes.items()}
    states = [transform.init(params) for transform in (ours, theirs)]
    for _ in range(40):  # in which optax's correction for its start fades
        gradients = {
            name: jnp.float32(generator.normal(size=shape)) for name, shape in shapes.items()
        }
        updates = []
        for number, transform in enumerate((ours, theirs)):
            update, states[number] = transform.update(gradients, states[number], params)
            updates.append(update)
    for name in shapes:
        np.testing.assert_allclose(updates[0][name], updates[1][name], rtol=0.02, atol=0.02)
