"""The peers are the same networks: parameters, logits, and losses of some steps of Adam."""

from functools import partial

import jax
import numpy as np
import pytest

from bench.peers.entries import MODELS
from bench.peers.frameworks import fmnist_jax as ours
from bench.peers.frameworks import plain_flax as flax_plain
from bench.peers.protocol import VARIANTS, Setup
from fmnist_jax.data.drawing import garments as synthetic
from fmnist_jax.training.program.step import scale
from tests.support.peer_weights import flat, load_keras, load_torch

BATCH, STEPS = 32, 4


def setup(model):
    return Setup(model, MODELS[model], BATCH, cores=2)


@pytest.fixture(scope="module", params=MODELS)
def reference(request):
    """This suite's network: variables, data, logits, and the losses of some full batches."""
    common = setup(request.param)
    peer = ours.step(common)
    variables = {"params": peer.params, "batch_stats": peer.batch_stats}
    split = synthetic.generate(common.seed, BATCH)
    network = ours.config(common, BATCH).network("float32")
    logits = np.asarray(jax.jit(network.apply)(variables, scale(split.images)))
    np.testing.assert_allclose(peer.predict(1)()[0], jax.nn.softmax(logits[0]), rtol=1e-4)
    train = peer.train(BATCH)
    done = [train(1) for _ in range(STEPS)]
    assert {one.images for one in done} == {BATCH}
    assert done[-1].loss < done[0].loss
    assert peer.parameters == common.parameters
    return common, variables, split, logits, [one.loss for one in done]


def test_flax(reference):
    common, variables, split, logits, losses = reference
    state = flax_plain.initial_state(common)
    own = flat({"params": state.params, "batch_stats": state.batch_stats})
    assert {k: v.shape for k, v in own.items()} == {k: v.shape for k, v in flat(variables).items()}
    params, stats = jax.tree.map(jax.numpy.array, (variables["params"], variables["batch_stats"]))
    state = state.replace(params=params, batch_stats=stats)
    forward = jax.jit(partial(state.apply_fn, train=False))
    found = forward(variables, flax_plain.scale(split.images))
    np.testing.assert_allclose(found, logits, rtol=1e-4, atol=1e-5)
    key, found = jax.random.key(0), []
    for _ in range(STEPS):
        state, loss = flax_plain.step(state, split.images, split.labels, key, False)
        found.append(float(loss))
    np.testing.assert_allclose(found, losses, rtol=2e-3)


def test_torch(reference):
    torch = pytest.importorskip("torch")
    from bench.peers.frameworks import pytorch as torch_peer

    common, variables, split, logits, losses = reference
    network = torch_peer.make_network(common.model, torch_peer.BATCH_NORM_MOMENTUM)
    load_torch(network, variables)
    images = torch_peer.scale(torch.from_numpy(split.images))
    labels = torch.from_numpy(split.labels.astype(np.int64))
    with torch.no_grad():
        found = network.eval()(images).numpy()
    np.testing.assert_allclose(found, logits, rtol=1e-4, atol=1e-5)
    network.train()
    adam = torch_peer.adam(network, common)
    found = [torch_peer.step(network, adam, images, labels).item() for _ in range(STEPS)]
    np.testing.assert_allclose(found, losses, rtol=2e-3)


def test_keras(reference):
    pytest.importorskip("tensorflow")
    pytest.importorskip("keras")
    from bench.peers.frameworks import keras_tf as keras_peer

    common, variables, split, logits, losses = reference
    model = keras_peer.network(common)
    load_keras(model, variables)
    images = split.images[..., None]
    found = np.log(model.predict(images, verbose=0))
    expected = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    history = model.fit(images, split.labels, batch_size=BATCH, epochs=STEPS, verbose=0)
    np.testing.assert_allclose(history.history["loss"], losses, rtol=2e-3)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    "key",
    # The others compile for long, and are met elsewhere.
    ["flax/jit", "torch/eager", "torch/channels_last", "keras/fit", "keras/on_batch"],
)
def test_every_peer_trains_and_predicts(key, model):
    if (key, model) == ("flax/jit", "resnet"):
        pytest.skip("compiles for long, and is met elsewhere")
    pytest.importorskip({"torch": "torch", "keras": "tensorflow"}.get(key.partition("/")[0], "jax"))
    common = Setup(model, MODELS[model], images=20, cores=2, flip=True)
    peer = VARIANTS[key](common)
    assert peer.parameters == MODELS[model]
    assert peer.versions
    done = peer.train(10)(3)  # more than an epoch
    assert done.images in (20, 30, 40)
    assert np.isfinite(done.loss)
    probabilities = peer.predict(20)()
    assert probabilities.shape == (20, 10)
    np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-5)
    assert peer.predict(1)().shape == (1, 10)
