import jax.numpy as jnp
import numpy as np
import optax
import pytest

from fmnist_jax.models.resnet import ResNetConfig
from fmnist_jax.training.program.optimizer import make_optimizer

PARAMS = {"kernel": jnp.array([[1.0, -2.0], [3.0, 0.5]]), "bias": jnp.array([0.5, -0.5])}
GRADIENTS = {"kernel": jnp.array([[0.1, 0.2], [-0.3, 0.4]]), "bias": jnp.array([1.0, -1.0])}
RATE, DECAY = 0.1, 0.01


def config(**changes):
    given = {"learning_rate": RATE, "schedule": "constant", "warmup": 0.0}
    return ResNetConfig(**(given | changes))


def step(transform, count=2):
    params, state = PARAMS, transform.init(PARAMS)
    for _ in range(count):
        updates, state = transform.update(GRADIENTS, state, params)
        params = optax.apply_updates(params, updates)
    return params


def adam_by_hand(coupled, decoupled, count=2):
    result = {}
    for name, start in PARAMS.items():
        p = np.asarray(start, np.float64)
        m = v = np.zeros_like(p)
        weight = 1.0 if p.ndim > 1 else 0.0  # biases do not decay
        for t in range(1, count + 1):
            g = np.asarray(GRADIENTS[name], np.float64) + coupled * weight * p
            m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
            direction = (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
            p = p - RATE * (direction + decoupled * weight * p)
        result[name] = p
    return result


@pytest.mark.parametrize(
    ("name", "coupled", "decoupled"), [("adam", DECAY, 0), ("adamw", 0, DECAY)]
)
def test_adam_against_its_definition(name, coupled, decoupled):
    ours = step(make_optimizer(config(optimizer=name, weight_decay=DECAY), 10))
    theirs = adam_by_hand(coupled, decoupled)
    for leaf in PARAMS:
        np.testing.assert_allclose(ours[leaf], theirs[leaf], rtol=1e-5)


def test_sgd_against_its_definition():
    ours = step(make_optimizer(config(optimizer="sgd", momentum=0.9, weight_decay=DECAY), 10))
    for leaf, start in PARAMS.items():
        p, trace = np.asarray(start, np.float64), 0.0
        for _ in range(2):
            g = np.asarray(GRADIENTS[leaf], np.float64) + (DECAY * p if p.ndim > 1 else 0)
            trace = 0.9 * trace + g
            p = p - RATE * (g + 0.9 * trace)  # Nesterov's look ahead
        np.testing.assert_allclose(ours[leaf], p, rtol=1e-5)


def test_muon_orthogonalises_kernels_and_leaves_the_rest_to_adam():
    generator = np.random.default_rng(0)
    kernel = generator.normal(size=(3, 3, 4, 16)).astype(np.float32)
    params, gradients = PARAMS | {"conv": kernel}, GRADIENTS | {"conv": kernel}
    muon = make_optimizer(config(optimizer="muon"), 10)
    update = muon.update(gradients, muon.init(params), params)[0]
    # Newton and Schulz's five steps bring every singular value near 1; theirs is 0.2 of the
    # root of the longer side.
    singular = np.linalg.svd(np.asarray(update["conv"]).reshape(36, 16), compute_uv=False)
    np.testing.assert_allclose(singular / (RATE * 0.2 * np.sqrt(36)), 1, atol=0.4)
    for leaf in PARAMS:  # Adam's first step is the sign, whatever Nesterov adds in its size
        np.testing.assert_array_equal(np.sign(update[leaf]), -np.sign(GRADIENTS[leaf]))
