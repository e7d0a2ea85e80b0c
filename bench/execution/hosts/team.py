"""The processes come together: the others call process 0, which sees that they fit."""

import select
import socket
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from bench.execution.hosts.link import Dismiss, Hello, Link
from bench.measure.messages import Seat
from bench.records import identity
from bench.records.provenance import Provenance
from bench.records.schema import Case, Machine, Probe
from fmnist_jax.errors import UserError

JOIN_S = 300.0  # what jax.distributed.initialize allows
_LOOK_S = 0.2


@dataclass(frozen=True)
class Team:
    """The other processes, as process 0 has them.

    Attributes:
        seat: of process 0.
        host: the hardware of all together.
        links: by process id.
    """

    seat: Seat
    host: Provenance
    links: dict[int, Link]

    def dismiss(self, code: int) -> None:
        """Have the others exit with this code."""
        _dismiss(self.links.values(), Dismiss(code=code))


def gather(seat: Seat, host: Provenance, cases: Sequence[Case], patience_s: float = JOIN_S) -> Team:
    """Wait until every process has called.

    Raises:
        UserError: some did not come in time, or one does not fit; the others are told.
    """
    mine = Hello(process_id=0, processes=seat.processes, host=host, plan=digest(cases))
    calls: dict[Link, Hello | None] = {}
    deadline = time.monotonic() + patience_s
    try:
        with _listening(seat.port) as server:
            while missing := set(range(1, seat.processes)) - {
                one.process_id for one in _known(calls)
            }:
                if time.monotonic() > deadline:
                    raise UserError(
                        f"of {seat.processes} processes number "
                        f"{', '.join(map(str, sorted(missing)))} did not call at "
                        f"{seat.coordinator} within {patience_s:g} s: "
                        "start the same command on every host"
                    )
                if select.select([server], [], [], _LOOK_S)[0]:
                    calls[Link(server.accept()[0])] = None
                for link in tuple(calls):
                    try:
                        said = link.messages()
                    except OSError:  # a stranger, or one that was stopped again
                        del calls[link]
                        link.close()
                        continue
                    if said and isinstance(hello := said[0], Hello):
                        _check(mine, hello, _known(calls))
                        calls[link] = hello
    except UserError as error:
        _dismiss(calls, Dismiss(code=2, reason=str(error)))
        raise
    links = {}
    for link, known in calls.items():
        if known:
            links[known.process_id] = link
        else:
            link.close()
    machine = together([host.machine, *(one.host.machine for one in _known(calls))])
    return Team(seat, host.model_copy(update={"machine": machine}), dict(sorted(links.items())))


def call(seat: Seat, host: Provenance, cases: Sequence[Case], patience_s: float = JOIN_S) -> Link:
    """Call process 0, which may not be up yet.

    Raises:
        UserError: it does not answer.
    """
    deadline = time.monotonic() + patience_s
    while True:
        try:
            link = Link(socket.create_connection((seat.host.strip("[]"), seat.port), timeout=5))
            break
        except OSError as error:
            if time.monotonic() > deadline:
                raise UserError(
                    f"process 0 does not answer at {seat.coordinator}: {error.strerror or error}; "
                    "start the same command there, with --process-id 0"
                ) from None
            time.sleep(_LOOK_S)
    link.send(
        Hello(process_id=seat.process_id, processes=seat.processes, host=host, plan=digest(cases))
    )
    return link


def digest(cases: Sequence[Case]) -> str:
    """The same for the same cases in the same order."""
    return identity.digest([case.model_dump(mode="json") for case in cases])


def together(machines: Sequence[Machine]) -> Machine:
    """The hardware of equal hosts as that of one: what is counted is added up."""
    first = machines[0]

    def total(values: Sequence[float | None]) -> float | None:
        known = [value for value in values if value is not None]
        return sum(known) if len(known) == len(values) else None

    return first.model_copy(
        update={
            "id": f"{first.id}-x{len(machines)}hosts",
            "cores": sum(machine.cores for machine in machines),
            "memory_bytes": sum(machine.memory_bytes for machine in machines),
            "accelerator_count": sum(machine.accelerator_count for machine in machines),
            "probe": Probe(
                **{
                    name: total([getattr(machine.probe, name) for machine in machines])
                    for name in Probe.model_fields
                }
            ),
        }
    )


def _check(mine: Hello, other: Hello, known: Sequence[Hello]) -> None:
    """Refuse a process with which training could not go well."""
    who = f"process {other.process_id}"
    if other.processes != mine.processes:
        raise UserError(f"{who} was told of {other.processes} processes, not {mine.processes}")
    if other.process_id in {one.process_id for one in (mine, *known)}:
        raise UserError(f"more than one {who}: each needs a --process-id of its own")
    if other.plan != mine.plan:
        raise UserError(
            f"{who} has other cases than process 0: give all the same models, options and data"
        )
    for name, ours, theirs in _unlike(mine.host, other.host):
        raise UserError(
            f"{who} and process 0 are not alike: {name} is {theirs} there and {ours} here"
        )


def _unlike(mine: Provenance, other: Provenance) -> Iterator[tuple[str, object, object]]:
    """What would make the programs, and so what the processes say to one another, differ."""
    alike = {
        "machine": ("accelerator", "accelerator_count" if mine.accelerated else "cores"),
        "software": ("jax", "jaxlib", "flax", "optax", "numpy", "xla_flags"),
        "code": ("version", "commit"),
    }
    for part, names in alike.items():
        for name in names:
            ours, theirs = (getattr(getattr(host, part), name) for host in (mine, other))
            if ours != theirs:
                yield name.replace("_", " "), ours, theirs


@contextmanager
def _listening(port: int) -> Iterator[socket.socket]:
    """On all of this host's addresses, as jax's own service does."""
    dual = socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if dual else socket.AF_INET
    try:
        server = socket.create_server(("", port), family=family, dualstack_ipv6=dual)
    except OSError as error:
        raise UserError(
            f"cannot listen at port {port}: {error.strerror or error}; "
            "choose another with --coordinator"
        ) from None
    with server:
        yield server


def _known(calls: Mapping[Link, Hello | None]) -> list[Hello]:
    return [hello for hello in calls.values() if hello]


def _dismiss(links: Iterable[Link], message: Dismiss) -> None:
    for link in links:
        with suppress(OSError):
            link.send(message)
        link.close()
