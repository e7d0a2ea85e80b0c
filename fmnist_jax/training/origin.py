"""What decides the bits of a run, besides what is asked of it."""

import hashlib
from functools import cache
from importlib import metadata
from pathlib import Path

import fmnist_jax


def origin(*told: object) -> str:
    """A digest of this package's code, of the software below it, of the devices, and of `told`.

    Args:
        told: anything whose `repr` says all that matters of it.

    Returns:
        64 hex digits.
    """
    import jax  # here, since a worker reads its task before it has been given its cores

    versions = [metadata.version(name) for name in ("jax", "jaxlib", "flax", "optax")]
    devices = [device.device_kind for device in jax.devices()]
    digest = hashlib.sha256(repr((versions, devices, told)).encode())
    digest.update(_code(Path(fmnist_jax.__file__).parent))
    return digest.hexdigest()


@cache  # asked several times in a run, whose code is that of its start
def _code(folder: Path) -> bytes:
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.digest()
