"""Plain Flax: ordinary layers, and a jitted step called in a Python loop.

Written as its documentation teaches: one device, on which XLA spreads the larger
operations over all cores, a donated state, images picked on the host. Layers bear
the same names as this suite's, so that weights fit both.
"""

from functools import partial
from importlib import metadata
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax.training.train_state import TrainState

from bench.peers.protocol import (
    BETAS,
    VARIANTS,
    Peer,
    Predict,
    Setup,
    Train,
    Trained,
)
from fmnist_jax.baselines.reference.base import BATCH_NORM_EPSILON
from fmnist_jax.data.drawing import garments as synthetic
from fmnist_jax.models.blocks import BATCH_NORM_MOMENTUM

_pool = partial(nn.max_pool, window_shape=(2, 2), strides=(2, 2))


class Block(nn.Module):
    """conv-BN-relu-conv-BN, plus the input, relu."""

    width: int = 32

    @nn.compact
    def __call__(self, x: jax.Array, train: bool) -> jax.Array:
        """[b, h, w, width] -> [b, h, w, width]."""
        norm = partial(
            nn.BatchNorm,
            use_running_average=not train,
            momentum=BATCH_NORM_MOMENTUM,
            epsilon=BATCH_NORM_EPSILON,
        )
        y = nn.Conv(self.width, (3, 3), name="conv1")(x)
        y = nn.relu(norm(name="norm1")(y))
        y = nn.Conv(self.width, (3, 3), name="conv2")(y)
        return nn.relu(x + norm(name="norm2")(y))


class ResNet(nn.Module):
    """38,154 parameters, counting running statistics."""

    @nn.compact
    def __call__(self, x: jax.Array, train: bool) -> jax.Array:
        """[b, 28, 28, 1] in [0, 1] -> logits [b, 10]."""
        x = _pool(nn.relu(nn.Conv(32, (3, 3), name="stem")(x)))
        x = _pool(Block(name="block1")(x, train))
        x = Block(name="block2")(x, train).mean((1, 2))
        return nn.Dense(10, name="classifier")(x)


class CNN(nn.Module):
    """241,546 parameters."""

    @nn.compact
    def __call__(self, x: jax.Array, train: bool) -> jax.Array:
        """[b, 28, 28, 1] in [0, 1] -> logits [b, 10]."""
        x = _pool(nn.relu(nn.Conv(32, (3, 3), padding="VALID", name="conv1")(x)))
        x = _pool(nn.relu(nn.Conv(64, (3, 3), padding="VALID", name="conv2")(x)))
        x = nn.relu(nn.Conv(128, (3, 3), padding="VALID", name="conv3")(x))
        x = nn.relu(nn.Dense(128, name="hidden")(x.reshape(len(x), -1)))
        return nn.Dense(10, name="classifier")(x)


NETWORKS: dict[str, type[nn.Module]] = {"resnet": ResNet, "cnn": CNN}


class State(TrainState):
    """Flax's own, with BatchNorm's running averages."""

    batch_stats: Any


def initial_state(setup: Setup) -> State:
    """Fresh weights, and Adam."""
    network = NETWORKS[setup.model]()
    init = jax.jit(partial(network.init, train=False))
    made = init(jax.random.key(setup.seed), jnp.zeros((1, 28, 28, 1)))
    adam = optax.adam(setup.learning_rate, *BETAS, eps=setup.epsilon)
    return State.create(
        apply_fn=network.apply,
        params=made["params"],
        batch_stats=made.get("batch_stats", {}),
        tx=adam,
    )


def scale(images: jax.Array) -> jax.Array:
    """uint8 [b, 28, 28] -> float32 [b, 28, 28, 1] in [0, 1]."""
    return images[..., None].astype(jnp.float32) / 255.0


@partial(jax.jit, static_argnames="flip", donate_argnums=0)
def step(
    state: State, images: jax.Array, labels: jax.Array, key: jax.Array, flip: bool
) -> tuple[State, jax.Array]:
    """One update from uint8 images [b, 28, 28] and labels [b]; the loss before it."""
    x = scale(images)
    if flip:
        coin = jax.random.bernoulli(jax.random.fold_in(key, state.step), shape=(len(x), 1, 1, 1))
        x = jnp.where(coin, x[:, :, ::-1], x)

    def loss_of(params: Any) -> tuple[jax.Array, Any]:
        logits, changed = state.apply_fn(
            {"params": params, "batch_stats": state.batch_stats},
            x,
            train=True,
            mutable=["batch_stats"],
        )
        losses = optax.losses.softmax_cross_entropy_with_integer_labels(logits, labels)
        return losses.mean(), changed.get("batch_stats", {})

    (loss, batch_stats), gradients = jax.value_and_grad(loss_of, has_aux=True)(state.params)
    return state.apply_gradients(grads=gradients, batch_stats=batch_stats), loss


class Flax:
    """A state, and the loop around `step`."""

    predicts = True

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._split = synthetic.generate(setup.seed, setup.images)
        self._state = initial_state(setup)

    @property
    def parameters(self) -> int:
        """Weights plus running statistics."""
        held = (self._state.params, self._state.batch_stats)
        return sum(leaf.size for leaf in jax.tree.leaves(held))

    @property
    def versions(self) -> dict[str, str]:
        """Of the packages that do the work."""
        return {name: metadata.version(name) for name in ("jax", "jaxlib", "flax", "optax")}

    def train(self, batch: int) -> Train:
        """The usual loop over shuffled batches."""
        images, labels = self._split.images, self._split.labels
        random = np.random.default_rng(self._setup.seed)
        key = jax.random.key(self._setup.seed)
        per_epoch = len(images) // batch

        def run(steps: int) -> Trained:
            for number in range(steps):
                at = number % per_epoch
                if at == 0:
                    order = random.permutation(len(images))
                rows = order[at * batch : (at + 1) * batch]
                self._state, loss = step(
                    self._state, images[rows], labels[rows], key, self._setup.flip
                )
            jax.block_until_ready(self._state)
            return Trained(steps * batch, float(loss))

        return run

    def predict(self, batch: int) -> Predict:
        """A jitted forward pass."""
        state, images = self._state, self._split.images[:batch]
        # A copy: training gives its own away.
        held = jax.tree.map(jnp.array, {"params": state.params, "batch_stats": state.batch_stats})

        @jax.jit
        def forward(variables: Any, images: jax.Array) -> jax.Array:
            return jax.nn.softmax(state.apply_fn(variables, scale(images), train=False))

        return lambda: np.asarray(forward(held, images))


@VARIANTS.register("flax/jit")
def jit(setup: Setup) -> Peer:
    """Flax."""
    return Flax(setup)
