"""Describe the hardware, and name it so that two different processors never share a name."""

import platform
import re
from collections.abc import Sequence
from typing import Any

import archspec.cpu
import psutil

from bench.measure.host.software import ask_command
from bench.records.schema import Machine, Probe
from fmnist_jax.system.cpu import available_cores, processor

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


def ask_nvidia() -> tuple[str | None, int | None]:
    """Return the driver's version, and the memory of the first device in GiB."""
    query = "--query-gpu=driver_version,memory.total"
    output = ask_command("nvidia-smi", query, "--format=csv,noheader,nounits")
    if not output:
        return None, None
    driver, _, mebibytes = output.splitlines()[0].partition(", ")
    return driver, round(int(mebibytes) / 1024) if mebibytes.isdigit() else None
