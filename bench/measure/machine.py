"""Describe the hardware, the software and the suite's own code."""

import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import archspec.cpu
import psutil

from bench.records.schema import Code, Machine, Probe, Software
from fmnist_jax.system.cpu import available_cores, processor

ROOT = Path(__file__).resolve().parents[2]
VENDORS = {"AuthenticAMD": "amd", "GenuineIntel": "intel"}
# (family, first model, last model) of AMD's processors, after Linux's arch/x86/kernel/cpu/amd.c.
ZEN = {
    (0x17, 0x00, 0x2F): "zen",
    (0x17, 0x30, 0xFF): "zen2",
    (0x19, 0x00, 0x0F): "zen3",
    (0x19, 0x10, 0x1F): "zen4",
    (0x19, 0x20, 0x5F): "zen3",
    (0x19, 0x60, 0xAF): "zen4",
    (0x1A, 0x00, 0x4F): "zen5",
    (0x1A, 0x60, 0x7F): "zen5",
}
# JAX settings that change neither numbers nor how fast they come.
NEUTRAL = re.compile(
    "cache|cross_host|dump|frames|guard|include_|log|metadata|num_cpu_devices|platform|pprint|"
    "preemption|rank_promotion|source|timeout|traceback|visible_devices|warn"
)
# Variables that change what a GPU or TPU computes, and are no settings of JAX.
ACCELERATOR_VARIABLES = ("LIBTPU_INIT_ARGS", "NVIDIA_TF32_OVERRIDE")


def describe_machine(devices: Sequence[Any], probe: Probe) -> Machine:
    """Describe the cores that this process may use, and jax's devices."""
    cpu, microarchitecture = cpu_name(), find_microarchitecture()
    cores = len(available_cores())
    accelerator = devices[0].device_kind if devices[0].platform != "cpu" else None
    driver, memory_gib = ask_nvidia() if accelerator else (None, None)
    return Machine(
        id=accelerator_id(accelerator, memory_gib, len(devices))
        if accelerator
        else cpu_id(cpu, microarchitecture, cores),
        cpu=cpu,
        microarchitecture=microarchitecture and microarchitecture.name,
        cores=cores,
        memory_bytes=psutil.virtual_memory().total,
        accelerator=accelerator,
        accelerator_count=len(devices) if accelerator else 0,
        driver=driver,
        probe=probe,
    )


def cpu_id(cpu: str, microarchitecture: Any, cores: int) -> str:
    """Return "amd-zen4-2c", or the slug of the processor's name where archspec knows none."""
    if microarchitecture is None:
        return f"{slug(cpu)}-{cores}c"
    vendor = VENDORS.get(microarchitecture.vendor, microarchitecture.vendor)
    return f"{slug(vendor)}-{slug(microarchitecture.name)}-{cores}c"


def accelerator_id(kind: str, memory_gib: int | None, count: int) -> str:
    """Return "nvidia-h100-80gb-x1": with the memory, since one name is sold with several."""
    name = re.sub(r"-hbm\d+e?\b", "", slug(kind))
    if memory_gib and not re.search(r"\d+gb\b", name):
        name = f"{name}-{memory_gib}gb"
    return f"{name}-x{count}"


def slug(name: str) -> str:
    """ "AMD EPYC 9454 48-Core Processor" -> "amd-epyc-9454"."""
    name = re.sub(r"\((r|tm|c)\)|@.*|\b(cpu|processor|\d+-core)\b", " ", name.lower())
    return re.sub(r"[^a-z0-9]+", "-", name).strip("-")


def cpu_name() -> str:
    """Return the processor's model name."""
    return processor("model name") or platform.processor() or platform.machine()


def find_microarchitecture() -> Any:
    """Return archspec's microarchitecture of this host; None where it knows only a family.

    archspec goes by features, of which a virtual machine hides some: a Zen 4 then passes for
    "x86_64_v4", a Zen 3 for a Zen. The family and model numbers of AMD's processors tell.
    """
    if processor("vendor_id") == "AuthenticAMD":
        family, model = int(processor("cpu family") or 0), int(processor("model") or 0)
        for (own, first, last), name in ZEN.items():
            if family == own and first <= model <= last and name in archspec.cpu.TARGETS:
                return archspec.cpu.TARGETS[name]
    host = archspec.cpu.host()
    return None if host.vendor == "generic" else host


def describe_software(jax_config: dict[str, Any] | None = None) -> Software:
    """Return the versions of what decides speed and accuracy, without importing any of it."""
    names = ("jax", "jaxlib", "flax", "optax", "numpy", "lightgbm")
    return Software(
        python=platform.python_version(),
        **{name: _version(name) for name in names},
        sklearn=_version("scikit-learn"),
        sklearnex=_version("scikit-learn-intelex"),
        jax_config=jax_config or {},
        xla_flags=os.environ.get("XLA_FLAGS"),
        compute_dtype=None,
    )


def changed_jax_settings() -> dict[str, Any]:
    """Return the settings that change results and differ from JAX's defaults.

    A run takes them from its environment alone, so a process without these variables
    has the defaults, whatever they are in this version of JAX.
    """
    import jax

    values = _plain(jax.config.values)
    changed = {name for name in values if name.upper() in os.environ and not NEUTRAL.search(name)}
    settings = {name: os.environ[name] for name in ACCELERATOR_VARIABLES if name in os.environ}
    if changed:
        code = "import jax, json; print(json.dumps(dict(jax.config.values), default=str))"
        environment = {
            name: value for name, value in os.environ.items() if name.lower() not in changed
        }
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        defaults = json.loads(done.stdout)
        settings |= {name: values[name] for name in changed if values[name] != defaults.get(name)}
    return dict(sorted(settings.items()))


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return json.loads(json.dumps(dict(values), default=str))


def describe_code() -> Code:
    """Return the suite's version, and its commit where it runs from its own checkout."""
    own = _git("rev-parse", "--show-toplevel") == str(ROOT)
    # Records pile up in results/ while a run goes on; they are not the code.
    changes = _git("status", "--porcelain", "--", ".", ":!results") if own else None
    return Code(
        version=_version("fmnist-jax") or "unknown",
        commit=_git("rev-parse", "HEAD") if own else None,
        dirty=None if changes is None else bool(changes),
    )


def _git(*arguments: str) -> str | None:
    # A hook's GIT_DIR and its like name another repository.
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") or name.startswith("GIT_CONFIG")
    }
    return _output("git", "-C", str(ROOT), *arguments, env=environment)


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def ask_nvidia() -> tuple[str | None, int | None]:
    """Return the driver's version, and the memory of the first device in GiB."""
    query = "--query-gpu=driver_version,memory.total"
    output = _output("nvidia-smi", query, "--format=csv,noheader,nounits")
    if not output:
        return None, None
    driver, _, mebibytes = output.splitlines()[0].partition(", ")
    return driver, round(int(mebibytes) / 1024) if mebibytes.isdigit() else None


def _output(*command: str, env: Mapping[str, str] | None = None) -> str | None:
    """Return what a command prints; None where it is missing, slow or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, env=env)
    except (OSError, UnicodeDecodeError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
