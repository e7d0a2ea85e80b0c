"""Run the cases of one of several processes that train networks together.

The workers of all hosts join through `jax.distributed` and run the same program for every
case. Process 0 takes its tasks from the command that supervises it and broadcasts them.
"""

import hashlib
import json
import os
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from bench.measure.messages import Execute, Task, new_task
from bench.measure.worker import pin_to_cores
from bench.records.provenance import Provenance
from bench.records.schema import Case, Machine, Probe
from fmnist_jax.errors import UserError

JOIN_S = 300  # for all processes to join: the default of jax.distributed.initialize
HEARTBEAT_S = 10  # without a heartbeat after which a process counts as lost
IDLE_S = 60.0  # between broadcasts while there is no task, far below the collectives' timeout
BROKEN_CONNECTION = re.compile("JaxRuntimeError|Gloo|NCCL")
IDLE, END = b"idle", b"end"  # what process 0 broadcasts in place of a case


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


def serve(member: Member, execute: Execute, connection: Connection) -> int | UserError:
    """Join, run what process 0 broadcasts, and leave; the function of the worker process.

    Sends the hosts of all processes when they have joined and agree. Then, for each case,
    it sends its task (not on process 0), whatever `execute` sends, and its outcome.

    Args:
        member: which process this is.
        execute: what to do with a case.
        connection: to the command; process 0 receives tasks and, last, None.

    Returns:
        The exit code, or in what the processes differ.
    """
    pin_to_cores(member.cores, network=True)
    import jax

    rank = member.rank
    jax.distributed.initialize(
        rank.coordinator,
        rank.processes,
        rank.process_id,
        cluster_detection_method="deactivate",
        initialization_timeout=member.join_s,
        heartbeat_timeout_seconds=HEARTBEAT_S,
    )
    result: int | UserError
    try:
        connection.send(_exchange(member))
        result = _run_cases(member, execute, connection)
    except UserError as error:
        result = error
    jax.distributed.shutdown()
    return result


def _run_cases(member: Member, execute: Execute, connection: Connection) -> int:
    """Run the same loop on every process until process 0 has no more tasks."""
    exit_code = 0
    while task := _next_task(member, connection):
        outcome = execute(task, connection)
        run = outcome.record.run
        if run.status not in ("ok", "diverged"):  # training diverges on all processes alike
            if BROKEN_CONNECTION.search(run.error or ""):
                # If another process is lost, the coordination
                # service terminates this one meanwhile, and names the other.
                time.sleep(2 * HEARTBEAT_S)
            connection.send(outcome)
            os._exit(1)  # the others may wait in a collective operation: this ends them, too
        connection.send(outcome)
        exit_code |= run.status != "ok"
    return exit_code


def _next_task(member: Member, connection: Connection) -> Task | None:
    """Return the task that process 0 has been given, on every process; None at the end."""
    from fmnist_jax.training.placement import broadcast_bytes

    if member.rank.process_id == 0:
        while not connection.poll(IDLE_S):
            broadcast_bytes(IDLE)
        task: Task | None = connection.recv()
        broadcast_bytes(task.case.model_dump_json().encode() if task else END)
        return task
    while (order := broadcast_bytes()) == IDLE:
        pass
    if order == END:
        return None
    task = new_task(
        Case.model_validate_json(order), member.host, member.cores,
        data_dir=member.data_dir, debug=member.debug, process_id=member.rank.process_id,
    )  # fmt: skip
    connection.send(task)
    return task


def _exchange(member: Member) -> tuple[Provenance, ...]:
    """Compare this process with the others, and return the hosts of all, in order.

    This goes through the key-value store of JAX's coordination service, because the
    functions of `multihost_utils` need equal numbers of processes and devices.

    Raises:
        UserError: they differ in something that has to be the same.
    """
    from jax._src.distributed import global_state

    client, rank = global_state.client, member.rank
    assert client
    shared = {"facts": _facts(member), "host": member.host.model_dump(mode="json")}
    client.key_value_set(f"member/{rank.process_id}", json.dumps(shared))
    members: list[dict[str, Any]] = []
    for number in range(rank.processes):
        text = client.blocking_key_value_get(f"member/{number}", 1000 * member.join_s)
        members.append(json.loads(text))
        if difference := describe_difference([each["facts"] for each in members]):
            raise UserError(difference)
    return tuple(Provenance.model_validate(each["host"]) for each in members)


def _facts(member: Member) -> dict[str, Any]:
    """What has to be the same on all hosts, or their programs would differ."""
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
