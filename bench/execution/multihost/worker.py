"""Supervise the worker process of this host, and say why it ended."""

import logging
import re
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from bench.measure.distributed import INTERRUPT, serve
from bench.measure.hosts import Member
from bench.measure.measure import measure
from bench.measure.messages import Execute, Outcome, Task
from bench.processes import signals
from bench.records.provenance import Provenance
from bench.records.schema import Status
from fmnist_jax.errors import UserError
from fmnist_jax.system.child import Child, ChildError, Returned

INTERRUPT_S = 10.0  # for the workers of all hosts to exit together
log = logging.getLogger("fmnist_jax")


class HostLost(UserError):
    """A worker is gone, here or on another host, and no further case can run.

    Attributes:
        reason: why, for the record.
        status: for the record.
    """

    def __init__(self, reason: str, status: Status = "failed") -> None:
        self.reason, self.status = reason, status
        self.exit_code = signals.EXIT_CODE if status == "interrupted" else 1
        super().__init__(f"{reason}; run again to go on from the last checkpoint")


class Worker:
    """The worker process of this host, as its command sees it.

    Attributes:
        hosts: of all processes, in order.
    """

    def __init__(self, child: Child, member: Member) -> None:
        """Wait until the workers of all hosts have joined, and agree.

        Raises:
            UserError: they do not all join, or differ.
        """
        self._child = child
        self._member = member
        self._failure: str | None = None
        self.hosts: tuple[Provenance, ...] = ()
        message = self.receive()
        if isinstance(message, Returned):  # it says why it did not begin
            raise message.value
        self.hosts = message

    def send(self, order: Task | str | None) -> None:
        """Hand the worker of process 0 a task, or None when there are no more."""
        with suppress(OSError):  # `receive` tells that it is gone, and why
            self._child.connection.send(order)

    def receive(self, timeout: float | None = None) -> Any:
        """Return the next message of the worker.

        Raises:
            TimeoutError: there is none yet.
            HostLost: the worker is gone; UserError if not all have joined yet.
        """
        try:
            message = self._child.receive(timeout)
        except ChildError as death:
            if self._child.exitcode == signals.EXIT_CODE:
                raise HostLost("interrupted on another host", "interrupted") from None
            reason = self._failure or explain(self._child.output, self._member) or str(death)
            raise (HostLost if self.hosts else UserError)(reason) from None
        if isinstance(message, Outcome):
            self._failure = message.record.run.error
        return message

    def interrupt(self) -> None:
        """Have the workers of all hosts exit as interrupted, and wait for this one."""
        self.send(INTERRUPT)
        self._child.join(INTERRUPT_S)

    def kill(self) -> None:
        """End the worker, and thereby those of the other hosts."""
        self._child.kill()


@contextmanager
def start_worker(member: Member, execute: Execute) -> Iterator[Worker]:
    """Start the worker of this host, and wait for those of the others.

    Raises:
        UserError: the processes do not all join, or are not alike.
        HostLost: Ctrl-C, here.
    """
    if member.rank.process_id == 0:
        _check_port(member.rank.port)
    with Child(serve, member, execute, hide_output=True) as child:
        try:
            worker = Worker(child, member)
            try:
                yield worker
            except KeyboardInterrupt:
                worker.interrupt()
                raise HostLost("interrupted", "interrupted") from None
        finally:
            if member.debug:
                sys.stderr.write(child.output)


def follow(member: Member, execute: Execute = measure) -> int:
    """Train along with process 0 until it has finished, and return the exit code.

    Raises:
        UserError: the processes do not all join, or are not alike.
        HostLost: a worker is lost.
    """
    with start_worker(member, execute) as worker:
        log.info("process %d trains along with process 0", member.rank.process_id)
        while not isinstance(message := worker.receive(), Returned):
            if isinstance(message, Task):
                log.info("%s, seed %d: starts", message.case.model, message.case.seed)
            elif isinstance(message, Outcome):
                case, run = message.record.case, message.record.run
                log.info("%s, seed %d: %s", case.model, case.seed, run.error or run.status)
        return int(message.value)


def explain(output: str, member: Member) -> str | None:
    """Say why a worker is gone, from what JAX's coordination service wrote, if it did.

    Args:
        output: of the worker on stderr.
        member: which process it was.
    """
    rank = member.rank
    if "newer incarnation" in output:
        return f"more than one process {rank.process_id}: each needs its own --process-id"
    if "RegisterTask" in output:
        return (
            f"the {rank.processes} processes did not all join at {rank.coordinator} within "
            f"{member.join_s} s: start the same command on every host, each with its own "
            "--process-id"
        )
    if lost := re.search(r"stopped sending heartbeats\):\s*([\d\s]+)", output):
        return f"process {', '.join(lost[1].split())} was lost"
    if re.search("RPC to coordination service|CoordinationService/Heartbeat", output):
        return "process 0 was lost"
    return None


def _check_port(port: int) -> None:
    """Refuse a port at which JAX's coordination service cannot listen: it would only wait."""
    dual = socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if dual else socket.AF_INET
    try:
        socket.create_server(("", port), family=family, dualstack_ipv6=dual).close()
    except OSError as error:
        reason = error.strerror or error
        raise UserError(
            f"cannot listen at port {port}: {reason}; choose another with --coordinator"
        ) from None
