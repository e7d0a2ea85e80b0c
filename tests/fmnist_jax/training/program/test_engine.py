"""The parallel path against the single device, and against counting by hand."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fmnist_jax.data.augment import Augment
from fmnist_jax.data.dataset import Split
from fmnist_jax.models.dense import DenseConfig
from fmnist_jax.models.resnet import ResNet, ResNetConfig
from fmnist_jax.training.predictor import Predictor
from fmnist_jax.training.program.engine import compile_engine
from fmnist_jax.training.program.epoch import AXIS, STEPS_PER_STATISTICS, limit_average
from fmnist_jax.training.program.step import cross_entropy, scale
from fmnist_jax.training.state import variables
from tests.support.small_networks import Normalised

CONFIG = ResNetConfig(
    epochs=2,
    batch_size=16,
    learning_rate=0.01,
    weight_decay=0.01,
    label_smoothing=0.1,
    augment=Augment(flip=True, shift=2, rotate=10, brightness=0.1, erase=0.5),
)
NETWORK = ResNet(width=8, axis_name=AXIS)
# For what does not depend on the network: one that compiles in a moment.
SMALL = Normalised(axis_name=AXIS)
SIMPLE = CONFIG.model_copy(update={"augment": Augment(flip=False), "optimizer": "sgd"})
# SGD, since the gradient of a bias before BatchNorm is pure rounding, which Adam would
# blow up to full steps.
SGD = CONFIG.model_copy(update={"optimizer": "sgd", "average_decay": 0.5})


def make_split(n, seed):
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 10, n).astype(np.uint8)
    images = generator.integers(0, 80, (n, 28, 28)).astype(np.uint8)
    images[np.arange(n), labels * 2] += 120  # a bright row tells the class
    return Split(images, labels)


TRAIN, VALIDATION = make_split(70, 0), make_split(37, 1)


def build(devices, config=CONFIG, seed=0, train=TRAIN, validation=VALIDATION, network=NETWORK):
    return compile_engine(network, config, train, validation, seed, jax.devices()[:devices])


@pytest.fixture(scope="module")
def predicted():
    """Images, weights of the small network, and its logits for them."""
    split = make_split(1003, 4)
    initial = SMALL.init(jax.random.key(0), scale(split.images[:1]))
    weights = initial["params"], initial["batch_stats"]
    return split, weights, jax.jit(SMALL.apply)(variables(*weights), scale(split.images))


def convolved(images, conv):
    """What the convolution of the small network makes of images [..., 28, 28], in float64."""
    patches = np.stack(
        [images[..., y : y + 25 : 4, x : x + 25 : 4] for y in range(3) for x in range(3)], -1
    )
    return patches @ conv["kernel"].reshape(9, 4) + conv["bias"]


def one_epoch(built):
    state, metrics = built.train(built.state, 5)
    held_out = built.evaluate(*state.weights)
    return jax.tree.map(np.asarray, (state, metrics, held_out))


def assert_close(left, right, **tolerance):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, **tolerance), left, right)


@pytest.fixture(scope="module")
def on_two():
    """An epoch on two devices."""
    return one_epoch(build(2, SGD))


def test_two_devices_give_what_one_gives(on_two):
    one, two = one_epoch(build(1, SGD)), on_two
    assert_close(one[0].batch_stats, two[0].batch_stats, rtol=1e-4, atol=1e-5)
    assert_close(one[0].params, two[0].params, rtol=1e-4, atol=1e-5)
    assert_close(one[0].average, two[0].average, rtol=1e-4, atol=1e-5)
    assert_close(one[1], two[1], rtol=1e-5)
    assert_close(one[2], two[2], rtol=1e-4)


def test_statistics_of_each_device_are_averaged_once():
    """A step without BatchNorm over devices: its running statistics, in NumPy and float64."""
    network, config = Normalised(), SIMPLE.model_copy(update={"batch_size": 64})
    state, _, _ = one_epoch(build(2, config, network=network))
    conv = jax.tree.map(np.float64, build(2, config, network=network).state.params["conv"])
    order_key, *_ = jax.random.split(jax.random.fold_in(jax.random.key(0), 5), 3)
    rows = np.asarray(jax.random.permutation(order_key, len(TRAIN)))[:64].reshape(2, 32)
    results = convolved(TRAIN.images[rows] / 255, conv)
    running = jax.tree.map(np.asarray, state.batch_stats["norm"])
    momentum, axes = 0.99, (1, 2, 3)
    mean, var = results.mean(axes).mean(0), results.var(axes).mean(0)
    np.testing.assert_allclose(running["mean"], (1 - momentum) * mean, rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(running["var"], momentum + (1 - momentum) * var, rtol=1e-4)


def test_one_step_of_sgd_shows_equal_gradients():
    """With plain SGD the change of the weights is the gradient times the rate."""
    config = CONFIG.model_copy(
        update={
            "optimizer": "sgd", "momentum": 0.0, "schedule": "constant", "warmup": 0.0,
            "weight_decay": 0.0, "batch_size": 64, "learning_rate": 1.0,
            "augment": Augment(flip=True),
        }
    )  # fmt: skip
    built = [build(devices, config) for devices in (1, 2)]
    before = jax.tree.map(np.asarray, built[0].state.params)
    after = [one_epoch(b)[0] for b in built]
    gradients = [jax.tree.map(lambda a, b: a - b, before, state.params) for state in after]
    assert max(np.abs(leaf).max() for leaf in jax.tree.leaves(gradients[0])) > 1e-3
    assert_close(*gradients, rtol=1e-4, atol=1e-6)
    assert_close(after[0].batch_stats, after[1].batch_stats, rtol=1e-4, atol=1e-6)


def test_the_same_seed_gives_the_same_bits(on_two):
    jax.tree.map(np.testing.assert_array_equal, on_two, one_epoch(build(2, SGD)))
    first, other = (
        build(2, SIMPLE, seed=seed, network=SMALL).state.params["conv"]["kernel"] for seed in (0, 1)
    )
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("devices", [1, 2])
@pytest.mark.parametrize("size", [1, 2, 37, 251, 500])
def test_no_validation_image_is_dropped(devices, size, predicted):
    split, weights, logits = predicted
    validation = Split(split.images[:size], split.labels[:size])
    built = build(devices, SIMPLE, validation=validation, network=SMALL)
    metrics = built.evaluate(*weights)
    assert built.validation_images == size
    expected = cross_entropy(logits[:size], jnp.asarray(validation.labels)).sum()
    np.testing.assert_allclose(metrics.loss, expected, rtol=1e-4)
    assert metrics.correct == (logits[:size].argmax(-1) == validation.labels).sum()


@pytest.mark.parametrize(
    ("batch", "devices", "steps", "global_batch"),
    [(16, 2, 4, 16), (7, 2, 8, 8), (1, 2, 35, 2), (64, 2, 1, 64), (500, 2, 1, 70), (500, 1, 1, 70)],
)
def test_batches_that_do_not_divide(batch, devices, steps, global_batch):
    built = build(devices, SIMPLE.model_copy(update={"batch_size": batch}), network=SMALL)
    assert built.images_per_epoch == steps * global_batch
    _, metrics, _ = one_epoch(built)
    assert np.isfinite(metrics.loss)
    assert 0 <= metrics.correct <= built.images_per_epoch


def test_every_image_is_used_once_in_an_epoch():
    """Images of one constant each, and a network that sums what it is shown."""

    class Summing:
        def init(self, rngs, images):
            return {"params": {"seen": jnp.zeros(())}, "batch_stats": {"sum": jnp.zeros(())}}

        def apply(self, given, images, train=False, mutable=None, rngs=None):
            codes = (images[:, 0, 0, 0] * 255).round()
            logits = jnp.zeros((len(images), 10)) + 0 * given["params"]["seen"]
            return (logits, {"batch_stats": {"sum": codes.sum()}}) if mutable else logits

    train = Split(
        np.arange(64, dtype=np.uint8)[:, None, None] * np.ones((1, 28, 28), np.uint8),
        np.zeros(64, np.uint8),
    )
    config = CONFIG.model_copy(update={"augment": Augment(flip=False), "batch_size": 64})
    built = compile_engine(Summing(), config, train, VALIDATION, 0, jax.devices())
    assert built.images_per_epoch == 64
    state, _ = built.train(built.state, 0)
    # One step saw the whole epoch: the devices' mean sum is half of 0 + 1 + ... + 63.
    assert float(state.batch_stats["sum"]) == 64 * 63 / 2 / 2


def test_the_average_of_the_weights_follows_every_step():
    changes = {"average_decay": 0.75, "batch_size": 64, "epochs": 40}  # a step an epoch
    config = SIMPLE.model_copy(update=changes)
    built = build(2, config, network=SMALL)
    state, expected = built.state, jax.tree.map(np.asarray, built.state.params)
    for epoch in (1, 2):
        state, _ = built.train(state, epoch)
        expected = jax.tree.map(lambda old, new: 0.75 * old + 0.25 * new, expected, state.params)
        assert_close(state.weights[0], expected, rtol=1e-5, atol=1e-7)


def test_in_a_short_training_an_average_is_short():
    config = SIMPLE.model_copy(update={"average_decay": 0.999})
    decays = [limit_average(config, steps).average_decay for steps in (5, 20, 100, 12_840)]
    assert decays == [0.0, 0.5, 0.9, 0.999]
    assert limit_average(SIMPLE, 100) == SIMPLE


@pytest.mark.parametrize("devices", [1, 2])
def test_averaged_weights_have_statistics_of_their_own(devices):
    """Those of the convolution's results, computed here in NumPy and float64."""
    config = SIMPLE.model_copy(update={"average_decay": 0.75, "batch_size": 2})
    built = build(devices, config, network=SMALL)
    state, _ = built.train(built.state, 4)
    params, batch_stats = jax.tree.map(lambda leaf: np.float64(np.asarray(leaf)), state.weights)

    order_key, *_ = jax.random.split(jax.random.fold_in(jax.random.key(0), 4), 3)
    rows = np.asarray(jax.random.permutation(order_key, len(TRAIN)))[:4].reshape(2, 2)
    assert len(rows) == math.ceil(len(TRAIN) / 2 / STEPS_PER_STATISTICS)
    conv = convolved(TRAIN.images[rows] / 255, params["conv"])
    axes = (1, 2, 3)
    assert_close(batch_stats["norm"]["mean"], conv.mean(axes).mean(0), rtol=1e-4, atol=1e-6)
    assert_close(batch_stats["norm"]["var"], conv.var(axes).mean(0), rtol=1e-4, atol=1e-6)


def test_a_network_without_statistics_pays_nothing_for_its_average(monkeypatch):
    monkeypatch.setattr("fmnist_jax.training.program.epoch.batch_statistics", None)
    config = SIMPLE.model_copy(update={"average_decay": 0.75})
    built = build(2, config, network=DenseConfig(hidden=[4]).network("float32"))
    assert built.train(built.state, 1)[0].weights[1] == {}


def test_the_state_is_donated():
    built = build(2, SIMPLE, network=SMALL)
    kernel = built.state.params["conv"]["kernel"]
    built.train(built.state, 0)
    assert kernel.is_deleted()


@pytest.mark.parametrize("devices", [1, 2])
@pytest.mark.parametrize("n", [1, 2, 3, 1000, 1003])
def test_predictor_handles_every_size(n, devices, predicted):
    split, weights, logits = predicted
    predict = Predictor(SMALL, *weights, jax.devices()[:devices])
    probabilities = predict(split.images[:n])
    assert probabilities.shape == (n, 10)
    np.testing.assert_allclose(probabilities, jax.nn.softmax(logits[:n]), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-5)
