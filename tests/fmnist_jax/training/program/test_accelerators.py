"""What the programs of an epoch ask of a GPU or TPU, read from what they are lowered to here."""

import re
from functools import partial
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import Mesh, PartitionSpec

from fmnist_jax.learner import resolve
from fmnist_jax.training.program.batch_size import EpochShape
from fmnist_jax.training.program.epoch import AXIS, evaluate, train_epoch
from fmnist_jax.training.program.optimizer import make_optimizer
from fmnist_jax.training.program.step import Targets
from fmnist_jax.training.program.together import program_of_device
from fmnist_jax.training.state import initial_state

IMAGES, BATCH = 55_000, 512
PLATFORMS = ("cuda", "tpu")


def shapes(dtype, *sizes):
    return jax.ShapeDtypeStruct(sizes, dtype)


def lowered(function, in_specs, arguments, **options):
    """The text of a program per platform, as pmap would lower it for one device."""
    mesh = Mesh(np.array(jax.devices()[:1]), (AXIS,))
    mapped = jax.shard_map(
        function, mesh=mesh, in_specs=in_specs, out_specs=PartitionSpec(), check_vma=False
    )
    traced = jax.jit(mapped, **options).trace(*arguments)
    return {
        platform: traced.lower(lowering_platforms=(platform,)).as_text() for platform in PLATFORMS
    }


@pytest.fixture(scope="module", params=["cnn", "resnet"])
def programs(request):
    """Training and evaluation by platform, with the number of arrays in the state."""
    config = resolve(request.param, {})
    network = config.training_network(config.compute_dtype(True))
    shape = EpochShape(IMAGES // BATCH, 1, BATCH)
    optimizer = make_optimizer(config, shape.steps * config.epochs)
    key = jax.eval_shape(lambda: jax.random.key(0))
    state = jax.eval_shape(partial(initial_state, network, optimizer), key)

    def train(rank, *arguments):
        return train_epoch(network, config, optimizer, shape, rank[0], *arguments)

    def validate(params, batch_stats, chunks):
        return evaluate(network, params, batch_stats, jax.tree.map(lambda a: a[0], chunks))

    first, rest = PartitionSpec(AXIS), PartitionSpec()
    data = shapes(np.uint8, IMAGES, 28, 28), Targets(shapes(np.uint8, IMAGES))
    chunks = (
        shapes(np.uint8, 1, 2, BATCH, 28, 28),
        shapes(np.uint8, 1, 2, BATCH),
        shapes(np.float32, 1, 2, BATCH),
    )
    return (
        lowered(
            train,
            (first, rest, rest, rest, rest, rest),
            (shapes(np.int32, 1), state, *data, key, shapes(np.int32)),
            donate_argnums=1,
        ),
        lowered(validate, (rest, rest, first), (state.params, state.batch_stats, chunks)),
        len(jax.tree.leaves(state)),
    )


def convolutions(text):
    """The types of operands and result of each."""
    return [
        set(re.findall(r"x([a-z]+\d+)>", line))
        for line in text.splitlines()
        if "stablehlo.convolution" in line
    ]


@pytest.mark.parametrize("platform", PLATFORMS)
def test_each_layer_is_a_plain_convolution_in_bfloat16(programs, platform):
    train, evaluate, _ = programs
    # Forward and two gradients of each layer at most; equal
    # ones are written once. None of the forms that serve a processor's caches.
    assert 0 < len(convolutions(train[platform])) <= 3 * len(convolutions(evaluate[platform]))
    for text in (train[platform], evaluate[platform]):
        assert all(types == {"bf16"} for types in convolutions(text))


@pytest.mark.parametrize("platform", PLATFORMS)
def test_nothing_that_an_accelerator_does_slowly(programs, platform):
    train, evaluate, _ = programs
    for text in (train[platform], evaluate[platform]):
        assert "select_and_scatter" not in text  # pooling's gradient, by comparison instead
        assert "stablehlo.scatter" not in text  # of labels, by one-hot vectors instead
        assert "f64" not in text
        assert "custom_call" not in text
    assert train[platform].count("stablehlo.while") == 1  # the steps; no loop within one


@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_state_is_updated_in_place(programs, platform):
    train, _, leaves = programs
    assert train[platform].count("tf.aliasing_output") == leaves


@pytest.mark.parametrize("seeds", [1, 2])
def test_several_epochs_and_seeds_in_one_program(seeds):
    config = resolve("resnet", {"epochs_per_call": 4})
    network = config.training_network(config.compute_dtype(True))
    shape = EpochShape(IMAGES // BATCH, 1, BATCH)
    optimizer = make_optimizer(config, shape.steps * config.epochs)
    placed = SimpleNamespace(shape=shape, optimizer=optimizer)
    several = lambda function: jax.vmap(function) if seeds > 1 else function  # noqa: E731
    keys = jax.eval_shape(lambda: jax.random.split(jax.random.key(0), seeds))
    keys = keys if seeds > 1 else jax.eval_shape(lambda: jax.random.key(0))
    state = jax.eval_shape(several(partial(initial_state, network, optimizer)), keys)
    program = program_of_device(network, config, placed, 4, seeds)

    def call(rank, state, images, labels, chunks, key, first, count):
        chunks = jax.tree.map(lambda a: a[0], chunks)
        return program(rank[0], state, None, images, Targets(labels), chunks, key, first, count)

    first, rest = PartitionSpec(AXIS), PartitionSpec()
    number = shapes(np.int32)
    chunks = (
        shapes(np.uint8, 1, 2, BATCH, 28, 28),
        shapes(np.uint8, 1, 2, BATCH),
        shapes(np.float32, 1, 2, BATCH),
    )
    texts = lowered(
        call,
        (first, rest, rest, rest, first, rest, rest, rest),
        (shapes(np.int32, 1), state, shapes(np.uint8, IMAGES, 28, 28), shapes(np.uint8, IMAGES),
         chunks, keys, number, number),
        donate_argnums=1,
    )  # fmt: skip
    for text in texts.values():
        assert text.count("stablehlo.while") == 3  # epochs, steps, chunks of validation
        assert text.count("tf.aliasing_output") == len(jax.tree.leaves(state))
        assert all(types == {"bf16"} for types in convolutions(text))
        found = [
            line
            for line in text.splitlines()
            if any(name in line for name in ("scatter", "f64", "custom_call"))
        ]
        assert not found


def test_the_test_sees_what_it_looks_for():
    program = jax.jit(lambda x, k: jax.lax.conv(x, k, (1, 1), "SAME"), donate_argnums=0)
    images = jnp.ones((1, 1, 8, 8))
    text = program.trace(images, jnp.ones((1, 1, 3, 3))).lower(lowering_platforms=("cuda",))
    assert convolutions(text.as_text()) == [{"f32"}]
    assert text.as_text().count("tf.aliasing_output") == 1
