"""The fingerprint of hardware and software, and what the machine can reach.

It is taken in a process of its own: the parent of a run must not hold an accelerator's memory.
"""

import os
import platform
import re
import subprocess
import time
from functools import partial
from importlib import metadata
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from bench.records.provenance import Provenance
from bench.records.schema import Code, Machine, Probe, Software
from fmnist_jax.errors import UserError
from fmnist_jax.system.child import Child, ChildError
from fmnist_jax.system.cpu import available_cores, confine, processor

ROOT = Path(__file__).parents[2]


def inspect(
    command: str, cores: tuple[int, ...] | None = None, folder: str | None = None
) -> Provenance:
    """Fingerprint this machine, in a process of its own.

    Args:
        command: for the records.
        cores: the part of the machine that is meant; None is all that may be used.
        folder: the identity of the results folder, for the records.

    Raises:
        UserError: jax does not start here.
    """
    try:
        with Child(_inspect_here, command, cores or available_cores(), hide_output=True) as child:
            host: Provenance = child.result()
    except ChildError as error:
        raise UserError(f"jax does not start on this machine: {error}; see JAX_PLATFORMS") from None
    return host.model_copy(update={"folder": folder})


def _inspect_here(command: str, own_cores: tuple[int, ...], connection: Connection) -> Provenance:
    confine(own_cores)
    import jax
    import psutil

    cores = len(own_cores)
    jax.config.update("jax_num_cpu_devices", cores)
    devices = jax.local_devices()
    accelerator = devices[0].device_kind if devices[0].platform != "cpu" else None
    cpu = cpu_name()
    machine_id = f"{slug(accelerator)}-x{len(devices)}" if accelerator else f"{slug(cpu)}-{cores}c"
    return Provenance(
        machine=Machine(
            id=machine_id,
            cpu=cpu,
            microarchitecture=None,
            cores=cores,
            memory_bytes=psutil.virtual_memory().total,
            accelerator=accelerator,
            accelerator_count=len(devices) if accelerator else 0,
            driver=_driver() if accelerator else None,
            probe=Probe(
                matmul_flops=matmul_flops(devices), bandwidth_bytes=bandwidth_bytes(devices)
            ),
        ),
        software=software(),
        code=code(),
        command=command,
    )


def slug(name: str) -> str:
    """ "AMD EPYC 9454 48-Core Processor" -> "amd-epyc-9454"."""
    name = re.sub(r"\((r|tm|c)\)|@.*|\b(cpu|processor|\d+-core)\b", " ", name.lower())
    return re.sub(r"[^a-z0-9]+", "-", name).strip("-")


def cpu_name() -> str:
    """The processor's model name."""
    return processor("model name") or platform.processor() or platform.machine()


def software() -> Software:
    """Versions of what decides speed and accuracy, without importing any of it."""
    names = ("jax", "jaxlib", "flax", "optax", "numpy")
    return Software(
        python=platform.python_version(),
        **{name: _version(name) for name in names},
        sklearn=_version("scikit-learn"),
        sklearnex=_version("scikit-learn-intelex"),
        lightgbm=_version("lightgbm"),
        jax_config={},
        xla_flags=os.environ.get("XLA_FLAGS"),
        compute_dtype=None,
    )


def code() -> Code:
    """The suite's version, and its commit where it runs from a checkout."""

    def git(*arguments: str) -> str | None:
        try:
            done = subprocess.run(
                ["git", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=10
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    # Records pile up in results/ while a run goes on; they are not the code.
    changes = git("status", "--porcelain", "--", ".", ":!results")
    return Code(
        version=_version("fmnist-jax") or "unknown",
        commit=git("rev-parse", "HEAD"),
        dirty=None if changes is None else bool(changes),
    )


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _driver() -> str | None:
    try:
        done = subprocess.run(
            ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            timeout=20,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.splitlines()[0].strip() if done.returncode == 0 and done.stdout else None


def matmul_flops(devices: list[Any]) -> float:
    """FLOP/s of a square matrix product on all devices at once, best of five.

    In the arithmetic that networks use there: float32 on a CPU, else bfloat16.
    """
    import jax
    import jax.numpy as jnp

    on_cpu = devices[0].platform == "cpu"
    side, dtype = (2048, jnp.float32) if on_cpu else (8192, jnp.bfloat16)
    product = jax.pmap(lambda a: a @ a, devices=devices)
    a = jax.pmap(lambda key: jax.random.normal(key, (side, side), dtype), devices=devices)(
        jax.random.split(jax.random.key(0), len(devices))
    )
    return len(devices) * 2 * side**3 / _best(partial(product, a))


def bandwidth_bytes(devices: list[Any]) -> float:
    """Bytes/s read and written by adding 1 to an array too large for any cache, best of five."""
    import jax
    import jax.numpy as jnp

    size = 2**25
    # In place, since fresh memory would be charged with the kernel's page faults.
    increment = jax.pmap(lambda a: a + 1, devices=devices, donate_argnums=0)
    held = [
        jax.pmap(lambda _: jnp.zeros(size, jnp.float32), devices=devices)(jnp.arange(len(devices)))
    ]

    def call() -> Any:
        held.append(increment(held.pop()))
        return held[0]

    return len(devices) * 2 * 4 * size / _best(call)


def _best(call: Any) -> float:
    import jax

    jax.block_until_ready(call())
    times = []
    for _ in range(5):
        began = time.perf_counter()
        jax.block_until_ready(call())
        times.append(time.perf_counter() - began)
    return min(times)
