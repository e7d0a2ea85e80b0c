"""Programs kept whole: found again in another process, and only where they fit."""

import time
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fmnist_jax.models.cnn import CNN, CNNConfig
from fmnist_jax.training import programs
from fmnist_jax.training.jax_cache import Use
from tests.support import starting

TRAIN = """
import hashlib, json, logging, sys
from pathlib import Path
import jax
jax.config.update("jax_num_cpu_devices", 2)
from fmnist_jax.data import synthetic
from fmnist_jax.data.dataset import Split
from fmnist_jax.models.resnet import ResNet, ResNetConfig
from fmnist_jax.training import compilation, engine
messages = []
class Keep(logging.Handler):
    def emit(self, record):
        messages.append(record.getMessage())
logging.getLogger("fmnist_jax").addHandler(Keep())
class Foreign(ResNet):
    pass
compilation.keep(Path(sys.argv[1]))
kind, rate = {"own": ResNet, "foreign": Foreign}[sys.argv[2]], float(sys.argv[3])
config = ResNetConfig(batch_size=16, width=4, learning_rate=rate)
network = kind(width=4, axis_name="device", dtype="float32")
data = synthetic.generate(0, 64)
built = engine.build(network, config, data, data, 0, jax.local_devices())
state, _ = built.train(built.state, jax.random.key(0))
loss = built.evaluate(state.params, state.statistics).loss
digest = hashlib.sha256()
for leaf in jax.tree.leaves(state):
    digest.update(jax.device_get(leaf).tobytes())
print(json.dumps([built.compile_cached, float(loss), digest.hexdigest(), messages]))
"""


def start(folder: Path, network: str = "own", rate: float = 0.01) -> list:
    return starting.start(TRAIN, folder, network, rate)


def test_a_second_start_trains_to_the_same_bits_also_after_damage(tmp_path):
    cached, *first = start(tmp_path)
    assert cached is False
    kept = sorted(tmp_path.rglob("*-program"))
    assert len(kept) == 2  # training and evaluation
    for path in tmp_path.rglob("*-cache"):
        path.unlink()  # so that it can only be these that are read
    assert start(tmp_path) == [True, *first]
    content = bytearray(kept[0].read_bytes())
    content[len(content) // 2] ^= 1
    kept[0].write_bytes(content)
    cached, loss, digest, messages = start(tmp_path)
    assert [cached, loss, digest] == [False, *first[:2]]
    (message,) = messages
    assert message.endswith("is removed: it is damaged")
    assert start(tmp_path) == [True, *first]


def test_another_learning_rate_is_another_program_and_a_foreign_network_is_not_kept(tmp_path):
    start(tmp_path)
    kept = set(tmp_path.rglob("*-program"))
    cached, _, _, messages = start(tmp_path, rate=0.02)
    assert (cached, messages) == (False, [])
    more = set(tmp_path.rglob("*-program"))
    assert len(more - kept) == 1  # the evaluation is the same
    start(tmp_path, network="foreign")
    assert set(tmp_path.rglob("*-program")) == more


DEVICES = tuple(jax.devices()[:1])
ARGUMENTS = {"x": jnp.zeros((4, 3)), "y": np.zeros(2)}
TOLD = ("train", CNN(), CNNConfig(), 7)


def name(devices=DEVICES, arguments=ARGUMENTS, told=TOLD):
    return programs._name(devices, arguments, told)


def test_the_name_tells_what_decides_the_program(monkeypatch, tmp_path):
    names = [
        name(),
        name(devices=tuple(jax.devices()[:2])),
        name(arguments={"x": jnp.zeros((4, 4)), "y": np.zeros(2)}),
        name(arguments={"x": jnp.zeros((4, 3), jnp.bfloat16), "y": np.zeros(2)}),
        name(arguments={"x": jnp.zeros((4, 3)), "z": np.zeros(2)}),
        name(told=("train", CNN(dtype="bfloat16"), CNNConfig(), 7)),
        name(told=("train", CNN(), CNNConfig(epochs=3), 7)),
        name(told=("train", CNN(), CNNConfig(), 8)),
    ]
    assert name() == names[0]
    with jax.default_matmul_precision("highest"):
        names.append(name())
    with monkeypatch.context() as changed:
        changed.setenv("XLA_FLAGS", "--xla_cpu_enable_fast_math=true")
        names.append(name())
    with monkeypatch.context() as changed:
        changed.setattr("fmnist_jax.training.origin.metadata.version", lambda name: "99")
        names.append(name())
    with monkeypatch.context() as changed:
        (tmp_path / "module.py").touch()
        changed.setattr("fmnist_jax.__file__", str(tmp_path / "module.py"))
        names.append(name())
    assert len(set(names)) == len(names)


def test_without_a_cache_folder_nothing_is_kept():
    use = Use()
    x = jnp.ones(3)
    program = programs.kept(use, lambda: jax.jit(jnp.sin).lower(x), DEVICES, x)
    np.testing.assert_array_equal(program(x), jnp.sin(x))
    assert use.cached is None


@pytest.fixture
def folder(tmp_path):
    before = jax.config.values["jax_compilation_cache_dir"]
    jax.config.update("jax_compilation_cache_dir", str(tmp_path))
    yield tmp_path
    jax.config.update("jax_compilation_cache_dir", before)


def test_the_program_used_longest_ago_goes_first(folder, monkeypatch):
    monkeypatch.setattr(programs, "_MOST", 2)

    def use(function):
        used = Use()
        x = jnp.ones(3)
        lower = partial(jax.jit(getattr(jnp, function)).lower, x)
        programs.kept(used, lower, DEVICES, x, function)
        time.sleep(0.02)  # file systems count time in ticks
        return used.hits > 0

    assert not use("sin")
    assert not use("cos")
    assert use("sin")
    assert not use("tan")  # for which cos goes
    assert use("sin")
    assert not use("cos")


def test_a_disk_that_is_full_costs_nothing_but_the_program(folder, monkeypatch):
    def full(self, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    x = jnp.ones(3)
    program = programs.kept(Use(), lambda: jax.jit(jnp.sin).lower(x), DEVICES, x)
    np.testing.assert_array_equal(program(x), jnp.sin(x))
    assert not list(folder.iterdir())
