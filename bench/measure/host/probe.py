"""Measure what this machine can reach, and describe it, in a process of its own.

The parent of a run must not hold an accelerator's memory.
"""

import os
import re
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from bench.measure.host.machine import describe_machine
from bench.measure.host.software import changed_jax_settings, describe_code, describe_software
from bench.records.provenance import Provenance
from bench.records.schema import Probe
from fmnist_jax.errors import UserError
from fmnist_jax.system.child import Child, ChildError
from fmnist_jax.system.cpu import available_cores, confine

CALL_S = 0.02


def inspect(
    command: str,
    cores: tuple[int, ...] | None = None,
    folder: str | None = None,
    timeout: float | None = None,
) -> Provenance:
    """Describe this machine, in a process of its own.

    Args:
        command: for the records.
        cores: the part of the machine that is meant; None is all that may be used.
        folder: the identity of the results folder, for the records.
        timeout: seconds after which JAX counts as hanging; None: without end.

    Raises:
        UserError: JAX does not start here.
    """
    with Child(_inspect_here, command, cores or available_cores(), hide_output=True) as child:
        try:
            host: Provenance = child.receive(timeout).value
        except TimeoutError as error:
            raise UserError(f"JAX does not start on this machine: {error}") from None
        except ChildError as error:
            reason = explain(str(error), child.output)
            raise UserError(f"JAX does not start on this machine: {reason}") from None
    return host.model_copy(update={"folder": folder})


def _inspect_here(command: str, cores: tuple[int, ...], connection: Connection) -> Provenance:
    confine(cores)
    import jax

    jax.config.update("jax_num_cpu_devices", len(cores))
    devices = jax.local_devices()
    probe = Probe(matmul_flops=matmul_flops(devices), bandwidth_bytes=bandwidth_bytes(devices))
    return Provenance(
        machine=describe_machine(devices, probe),
        software=describe_software(changed_jax_settings()),
        code=describe_code(),
        command=command,
    )


def explain(error: str, output: str = "") -> str:
    """Return one line on why JAX does not start, and on the variable that would change it.

    Args:
        error: the exception, or how the process ended, in one line.
        output: what the process printed on stderr.
    """
    xla_flags, platforms = os.environ.get("XLA_FLAGS"), os.environ.get("JAX_PLATFORMS")
    # XLA names the flag in a line of its log, before pages of usage.
    of_xla = re.search(r"^[EF]\d{4} .*(?:XLA_FLAGS|\bflag ).*$", output, re.MULTILINE)
    if xla_flags and of_xla:
        reason = of_xla[0].partition("] ")[2].rstrip(".")
        return f"{reason}; correct or unset XLA_FLAGS={xla_flags}"
    if platforms and (error.startswith("AssertionError") or "backend" in error):
        reason = re.sub(r"^\w+: | \(set JAX_PLATFORMS=.*", "", error)
        if error.startswith("AssertionError"):  # that is all JAX says
            reason = f"there is no usable device of {platforms!r}"
        return f"{reason}; unset JAX_PLATFORMS={platforms}, or install what it needs"
    if names := re.findall(r"\bjax_\w+|\bJAX_\w+", error):  # a setting with a wrong value
        return f"{error}; correct or unset {names[-1].upper()}"
    return error


def matmul_flops(devices: list[Any]) -> float:
    """Return the FLOP/s of square matrix products on all devices at once, best of five.

    In the arithmetic that networks use there: float32 on a CPU, else bfloat16.
    """
    import jax
    import jax.numpy as jnp

    on_cpu = devices[0].platform == "cpu"
    side, dtype = (1024, jnp.float32) if on_cpu else (8192, jnp.bfloat16)
    draw = jax.pmap(lambda key: jax.random.normal(key, (side, side), dtype), devices=devices)
    factor = draw(jax.random.split(jax.random.key(0), len(devices))) / side**0.5

    # Such a factor keeps the size of what it is applied to, however often.
    def multiply(factor: Any, product: Any) -> Any:
        return factor, factor @ product

    return len(devices) * 2 * side**3 / _fastest(multiply, (factor, factor + 0), devices)


def bandwidth_bytes(devices: list[Any]) -> float:
    """Return the bytes/s read and written by adding 1 to an array too large for any cache.

    The best of five, on all devices at once.
    """
    import jax
    import jax.numpy as jnp

    size = 2**25
    zeros = jax.pmap(lambda _: jnp.zeros(size, jnp.float32), devices=devices)
    array = zeros(jnp.arange(len(devices)))
    return len(devices) * 2 * 4 * size / _fastest(lambda array: (array + 1,), (array,), devices)


def _fastest(
    change: Callable[..., tuple[Any, ...]], arrays: tuple[Any, ...], devices: list[Any]
) -> float:
    """Return the seconds of one `change` of `arrays` on all devices: the best of five calls.

    A call repeats it inside the program, until it lasts `CALL_S`: on an accelerator starting
    the program takes longer than one change. The arrays are changed in place, since fresh
    memory would be charged with the kernel's page faults.
    """
    import jax

    program = jax.pmap(
        lambda arrays, times: jax.lax.fori_loop(0, times, lambda _, now: change(*now), arrays),
        in_axes=(0, None),
        donate_argnums=0,
        devices=devices,
    )

    def call(times: int) -> float:
        nonlocal arrays
        began = time.perf_counter()
        arrays = jax.block_until_ready(program(arrays, times))
        return time.perf_counter() - began

    call(1)  # compiles
    times = max(1, round(CALL_S / call(1)))
    return min(call(times) for _ in range(5)) / times
