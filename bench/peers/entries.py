"""Who takes part: the models that have peers, the frameworks and their variants."""

from collections.abc import Sequence
from importlib.util import find_spec

from bench.peers.protocol import Entrant
from fmnist_jax.errors import UserError, nearest

MODELS = {"resnet": 38_154, "cnn": 241_546}  # weights and running statistics
PACKAGES = {"flax": ("flax",), "torch": ("torch",), "keras": ("tensorflow", "keras")}
INSTALL = "pip install -e '.[peers]'"

ENTRANTS = (
    Entrant("fmnist-jax", "ours", "scan", "bench.peers.frameworks.fmnist_jax"),
    Entrant(
        "fmnist-jax, a call per step",
        "ours",
        "step",
        "bench.peers.frameworks.fmnist_jax",
        predicts=False,
    ),
    Entrant("Flax", "flax", "jit", "bench.peers.frameworks.plain_flax"),
    Entrant("PyTorch eager", "torch", "eager", "bench.peers.frameworks.pytorch"),
    Entrant("PyTorch channels_last", "torch", "channels_last", "bench.peers.frameworks.pytorch"),
    # Needs a C++ compiler, which not every machine has.
    Entrant(
        "PyTorch compiled", "torch", "compile", "bench.peers.frameworks.pytorch", optional=True
    ),
    Entrant("Keras fit, predict", "keras", "fit", "bench.peers.frameworks.keras_tf"),
    Entrant("Keras on_batch", "keras", "on_batch", "bench.peers.frameworks.keras_tf"),
)


def models(names: Sequence[str]) -> tuple[str, ...]:
    """The models asked for, all where none is named.

    Raises:
        UserError: one of them has no peers.
    """
    for name in names:
        if name not in MODELS:
            raise UserError(f"unknown model {name!r} for peers: {nearest(name, MODELS)}")
    return tuple(dict.fromkeys(names)) or tuple(MODELS)


def entrants(frameworks: Sequence[str]) -> tuple[tuple[Entrant, ...], tuple[str, ...]]:
    """Those of the frameworks asked for (all where none is named), and ours always.

    Returns:
        The entrants that can start here, and the frameworks that are not installed.

    Raises:
        UserError: there is no such framework.
    """
    for name in frameworks:
        if name not in PACKAGES:
            raise UserError(f"unknown framework {name!r}: {nearest(name, PACKAGES)}")
    wanted = [name for name in PACKAGES if name in frameworks or not frameworks]
    missing = [name for name in wanted if not all(map(find_spec, PACKAGES[name]))]
    present = {"ours", *wanted} - set(missing)
    return tuple(c for c in ENTRANTS if c.framework in present), tuple(missing)
