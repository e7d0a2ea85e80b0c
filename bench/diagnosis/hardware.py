"""Examine the processor, its cores, the memory, and what else works here just now."""

import os
import time

import psutil

from bench.diagnosis.finding import Finding, Situation
from bench.measure.host.contention import NOTICEABLE, ContentionMonitor
from bench.measure.host.energy import POWERCAP, EnergyMeter
from bench.measure.host.machine import cpu_name
from bench.reporting.format import rate, share, size
from fmnist_jax.system.cgroups import cpu_quota, memory_limit
from fmnist_jax.system.cpu import available_cores

WATCH_SECONDS = 1.0
LITTLE = 2 * 2**30  # bytes; a network takes about half of it


def examine(situation: Situation) -> list[Finding]:
    """Examine the hardware that a run would have."""
    return [*_machine(situation), _cores(), _memory(), *_energy(situation), _contention()]


def _machine(situation: Situation) -> list[Finding]:
    if situation.host is None:
        return [Finding("machine", "ok", cpu_name(), facts={"id": None, "cpu": cpu_name()})]
    machine = situation.host.machine
    flops, bandwidth = machine.probe.matmul_flops, machine.probe.bandwidth_bytes
    reached = [
        f"{rate(flops)}FLOP/s in a matrix product" if flops else "",
        f"{rate(bandwidth)}B/s of memory" if bandwidth else "",
    ]
    name = machine.accelerator or machine.cpu
    text = f"{machine.id} ({name}); just now {' and '.join(filter(None, reached))}"
    facts = machine.model_dump(mode="json", include={"id", "cpu", "accelerator", "probe"})
    return [Finding("machine", "ok", text, facts=facts)]


def _cores() -> Finding:
    total, quota, usable = os.cpu_count() or 1, cpu_quota(), len(available_cores())
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else total
    facts = {"total": total, "affinity": affinity, "quota": quota, "usable": usable}
    if usable >= total:
        return Finding("cores", "ok", f"all {total}" if total > 1 else "1", facts=facts)
    reason = (
        f"the container's quota is {quota:g}"
        if quota is not None and usable < affinity
        else f"the affinity mask has {affinity}"
    )
    return Finding(
        "cores",
        "warning",
        f"{usable} of {total}: {reason}; a run uses them alone, and names the machine by them",
        "start it without taskset, or give the container more (docker run --cpus)",
        facts,
    )


def _memory() -> Finding:
    memory, limit = psutil.virtual_memory(), memory_limit()
    limited = limit is not None and limit < memory.total
    usable = min(memory.available, limit) if limit is not None else memory.available
    facts = {
        "total_bytes": memory.total,
        "available_bytes": memory.available,
        "limit_bytes": limit if limited else None,
    }
    text = f"{size(memory.available)} of {size(memory.total)} available"
    if limited and limit is not None:
        text += f", {size(limit)} granted to this container"
    if usable < LITTLE:
        remedy = "end other programs, or run one case at a time: python -m bench run --all --jobs 1"
        return Finding("memory", "warning", text, remedy, facts)
    return Finding("memory", "ok", text, facts=facts)


def _energy(situation: Situation) -> list[Finding]:
    if situation.host is None:
        return []
    meter = EnergyMeter.open(situation.host.accelerated)
    facts = {"source": meter.source}
    if meter.source:
        return [Finding("energy", "ok", f"counted by {meter.source}", facts=facts)]
    text = f"not measurable here: {meter.reason}"
    if "PermissionError" in meter.reason:
        remedy = f"sudo chmod a+r {POWERCAP}/*rapl*/energy_uj"
        return [Finding("energy", "warning", text, remedy, facts)]
    return [Finding("energy", "ok", text, facts=facts)]


def _contention() -> Finding:
    monitor = ContentionMonitor(available_cores())
    time.sleep(WATCH_SECONDS)
    busy = monitor.external_share
    facts = {"external_share": round(busy, 3)}
    if busy > NOTICEABLE:
        text = f"other programs take {share(busy)} of the cores: timings would carry a star"
        return Finding("other work", "warning", text, "end what else runs; top shows it", facts)
    return Finding("other work", "ok", "none to speak of", facts=facts)
