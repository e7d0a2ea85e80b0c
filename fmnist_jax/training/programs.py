"""Whole programs kept between runs: a second start neither traces nor lowers them.

JAX's own cache spares the compiling, but finds an entry only by lowering the program
anew, which takes longer than reading it. Here an entry is found by what decides the
program: code, software, devices, and the arguments that it was made from.
"""

import hashlib
import logging
import os
import pickle
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import jax
from jax.experimental import serialize_executable

from fmnist_jax.training.jax_cache import Use
from fmnist_jax.training.origin import origin

log = logging.getLogger("fmnist_jax")

_DIGEST_BYTES = 32
_MOST = 64  # programs kept, of a third of a megabyte each; every change of the code makes new ones


def kept(
    use: Use,
    lower: Callable[[], jax.stages.Lowered],
    devices: Sequence[jax.Device],
    arguments: Any,
    *told: object,
) -> jax.stages.Compiled:
    """The program that `lower` makes, read if it was compiled before, else compiled and kept.

    It lies beside the entries of JAX's cache, until many others have been used since. It
    is not kept where there is no such cache, for several hosts, or if what it was made
    from is defined outside this package, whose code is not known here.

    Args:
        use: counts it, unless JAX does.
        lower: traces and lowers.
        devices: that it runs on.
        arguments: arrays like those that it will be called with.
        told: all else that it depends on, with `repr`s that tell it.
    """
    folder = jax.config.values["jax_compilation_cache_dir"]
    ours = {type(one).__module__.partition(".")[0] for one in told} <= {"builtins", "fmnist_jax"}
    if folder is None or not ours or jax.process_count() > 1:
        return lower().compile()
    path = Path(folder) / f"{_name(devices, arguments, told)}-program"
    found = _read(path, devices)
    if found is not None:
        use.hits += 1
        return found
    hits = use.hits
    program = lower().compile()
    # XLA:CPU cannot write again what it has read: such a program fails when it is called.
    if use.hits == hits:
        _write(path, program)
    return program


def _name(devices: Sequence[jax.Device], arguments: Any, told: tuple[object, ...]) -> str:
    leaves, tree = jax.tree.flatten(arguments)
    options = [pair for pair in sorted(jax.config.values.items()) if not pair[0].endswith("_dir")]
    return origin(
        told,
        str(tree),
        [(leaf.shape, str(leaf.dtype), str(getattr(leaf, "sharding", None))) for leaf in leaves],
        [(device.platform, device.id, device.client.platform_version) for device in devices],
        options,
        [os.environ.get(name) for name in ("XLA_FLAGS", "LIBTPU_INIT_ARGS")],
    )


def _read(path: Path, devices: Sequence[jax.Device]) -> jax.stages.Compiled | None:
    try:
        content = path.read_bytes()
    except OSError:
        return None
    with suppress(OSError):  # a folder that can only be read serves as well
        os.utime(path)  # used last now
    digest, packed = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
    try:
        # The digest guards against damage; the folder is the user's, and as safe as the code.
        if hashlib.sha256(packed).digest() != digest:
            raise ValueError("it is damaged")
        program, in_tree, out_tree = pickle.loads(zlib.decompress(packed))
        return serialize_executable.deserialize_and_load(
            program, in_tree, out_tree, execution_devices=devices
        )
    except Exception as error:  # of whatever kind: it is made anew
        log.warning("a compiled program kept in %s is removed: %s", path.parent, error)
        path.unlink(missing_ok=True)
        return None


def _write(path: Path, program: jax.stages.Compiled) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        packed = zlib.compress(pickle.dumps(serialize_executable.serialize(program)), level=1)
        temporary.write_bytes(hashlib.sha256(packed).digest() + packed)
        temporary.replace(path)
        _clear(path.parent)
    except Exception as error:  # a full disk; a backend that cannot
        log.debug("a compiled program is not kept: %s", error)
        temporary.unlink(missing_ok=True)


def _clear(folder: Path) -> None:
    """Remove the programs that were used longest ago."""
    programs = sorted(folder.glob("*-program"), key=lambda path: path.stat().st_mtime)
    for path in programs[:-_MOST]:
        path.unlink(missing_ok=True)
