"""Describe the hosts that train networks together: which is which, and whether they are alike."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.records.provenance import Provenance
from bench.records.schema import Case, Machine, Probe

JOIN_S = 300  # for all processes to join: the default of jax.distributed.initialize


@dataclass(frozen=True)
class Rank:
    """One of the processes that train together.

    Attributes:
        coordinator: HOST:PORT of process 0.
        processes: their number.
        process_id: of this one, from 0.
    """

    coordinator: str
    processes: int
    process_id: int

    @property
    def port(self) -> int:
        """Of the coordinator."""
        return int(self.coordinator.rpartition(":")[2])


@dataclass(frozen=True)
class Member:
    """What a worker has to know before its first case.

    Attributes:
        rank: which of the processes it is.
        host: this host, for the records and to be compared with the others.
        cases: of the plan, the same on every host.
        cores: the CPUs that the worker may use.
        data_dir: as given on the command line of this host.
        debug: print tracebacks.
        join_s: seconds for all processes to join.
    """

    rank: Rank
    host: Provenance
    cases: Sequence[Case]
    cores: tuple[int, ...]
    data_dir: Path | None = None
    debug: bool = False
    join_s: int = JOIN_S


def facts(member: Member) -> dict[str, Any]:
    """Return what has to be the same on all hosts, or their programs would differ."""
    host = member.host
    data = sorted({case.dataset_sha256 for case in member.cases})
    cases = json.dumps([case.model_dump(mode="json") for case in member.cases], sort_keys=True)
    devices = "accelerator_count" if host.accelerated else "cores"
    return {
        "--processes": member.rank.processes,
        **{name: getattr(host.code, name) for name in ("version", "commit")},
        **{
            name: getattr(host.software, name)
            for name in ("jax", "jaxlib", "flax", "optax", "numpy", "xla_flags", "jax_config")
        },
        **{name: getattr(host.machine, name) for name in ("accelerator", devices)},
        "data": hashlib.sha256("".join(data).encode()).hexdigest()[:12],
        "models and options": hashlib.sha256(cases.encode()).hexdigest()[:12],
    }


def describe_difference(facts: Sequence[dict[str, Any]]) -> str | None:
    """Name the first thing in which the processes differ, with the value on each.

    Args:
        facts: what each process knows of itself, in the order of the processes.
    """
    for name in facts[0]:
        values = [each.get(name) for each in facts]
        if any(value != values[0] for value in values):
            listed = ", ".join(f"{value} on process {i}" for i, value in enumerate(values))
            return f"the hosts must be alike and are not: {name.replace('_', ' ')} is {listed}"
    return None


def add_up(machines: Sequence[Machine]) -> Machine:
    """Describe equal hosts as one machine: what is counted is added up."""
    first = machines[0]

    def total(values: Sequence[float | None]) -> float | None:
        return None if None in values else sum(value for value in values if value is not None)

    probes = [machine.probe for machine in machines]
    return first.model_copy(
        update={
            "id": f"{first.id}-x{len(machines)}hosts",
            "cores": sum(machine.cores for machine in machines),
            "memory_bytes": sum(machine.memory_bytes for machine in machines),
            "accelerator_count": sum(machine.accelerator_count for machine in machines),
            "probe": Probe(
                **{name: total([getattr(probe, name) for probe in probes])
                   for name in Probe.model_fields}
            ),
        }
    )  # fmt: skip
