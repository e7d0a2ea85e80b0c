"""Run the cases of one of several processes that train networks together.

The workers of all hosts join through `jax.distributed` and run the same program for every
case. Process 0 takes its tasks from the command that supervises it and broadcasts them.
"""

import json
import os
import re
import time
from contextlib import suppress
from multiprocessing.connection import Connection
from queue import Empty, Queue
from threading import Thread
from typing import Any

from bench.measure.hosts import Member, describe_difference, facts
from bench.measure.messages import Execute, Task, new_task
from bench.measure.worker import pin_to_cores
from bench.processes import signals
from bench.records.provenance import Provenance
from bench.records.schema import Case
from fmnist_jax.errors import UserError

HEARTBEAT_S = 10  # without a heartbeat after which a process counts as lost
IDLE_S = 60.0  # between broadcasts while there is no task, far below the collectives' timeout
BROKEN_CONNECTION = re.compile("JaxRuntimeError|Gloo|NCCL")
IDLE, END = b"idle", b"end"  # what process 0 broadcasts in place of a case
INTERRUPT = "interrupt"  # what any command sends its worker to have those of all hosts exit
FOREVER_MS = 2**31 - 1


def serve(member: Member, execute: Execute, connection: Connection) -> int | UserError:
    """Join, run what process 0 broadcasts, and leave; the function of the worker process.

    Sends the hosts of all processes when they have joined and agree. Then, for each case,
    it sends its task (not on process 0), whatever `execute` sends, and its outcome.

    Args:
        member: which process this is.
        execute: what to do with a case.
        connection: to the command; process 0 receives tasks and, last, None. Any process
            may receive `INTERRUPT`, whatever it is doing.

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
    orders: Queue[Task | None] = Queue()
    Thread(target=_receive_orders, args=(connection, orders), daemon=True).start()
    Thread(target=_exit_when_interrupted, daemon=True).start()
    result: int | UserError
    try:
        connection.send(_exchange(member))
        result = _run_cases(member, execute, connection, orders)
    except UserError as error:
        result = error
    jax.distributed.shutdown()
    return result


def _receive_orders(connection: Connection, orders: "Queue[Task | None]") -> None:
    """Queue what the command sends, and tell all processes when it is interrupted."""
    from jax._src.distributed import global_state

    with suppress(EOFError, OSError):  # the command is gone
        while (order := connection.recv()) != INTERRUPT:
            orders.put(order)
        assert global_state.client
        global_state.client.key_value_set(INTERRUPT, "", allow_overwrite=True)


def _exit_when_interrupted() -> None:
    """Wait until any process is interrupted, and exit together with all others.

    The main thread may be in a collective operation, or compile, and cannot be asked.
    """
    import jax
    from jax._src.distributed import global_state

    assert global_state.client
    with suppress(jax.errors.JaxRuntimeError):  # the run has ended
        global_state.client.blocking_key_value_get(INTERRUPT, FOREVER_MS)
        with suppress(jax.errors.JaxRuntimeError):
            jax.distributed.shutdown()  # process 0, which hosts the store, leaves last
        os._exit(signals.EXIT_CODE)


def _run_cases(
    member: Member, execute: Execute, connection: Connection, orders: "Queue[Task | None]"
) -> int:
    """Run the same loop on every process until process 0 has no more tasks."""
    exit_code = 0
    while task := _next_task(member, connection, orders):
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


def _next_task(member: Member, connection: Connection, orders: "Queue[Task | None]") -> Task | None:
    """Return the task that process 0 has been given, on every process; None at the end."""
    from fmnist_jax.training.program.placement import broadcast_bytes

    if member.rank.process_id == 0:
        while True:
            try:
                task = orders.get(timeout=IDLE_S)
                break
            except Empty:
                broadcast_bytes(IDLE)
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
    shared = {"facts": facts(member), "host": member.host.model_dump(mode="json")}
    client.key_value_set(f"member/{rank.process_id}", json.dumps(shared))
    members: list[dict[str, Any]] = []
    for number in range(rank.processes):
        text = client.blocking_key_value_get(f"member/{number}", 1000 * member.join_s)
        members.append(json.loads(text))
        if difference := describe_difference([each["facts"] for each in members]):
            raise UserError(difference)
    return tuple(Provenance.model_validate(each["host"]) for each in members)
