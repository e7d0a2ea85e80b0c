"""The line between process 0 and another: messages in JSON, so that a stranger can start nothing.

It is there besides jax's own service to know at once when a process is gone, and why,
where a collective operation would wait for it.
"""

import select
import socket
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from bench.records.provenance import Provenance
from bench.records.schema import Case, Status

SEND_S = 20.0
_MOST = 2**22  # bytes of a message
# A host that is switched off says nothing more: it is asked after 10 s, and given up after 25.
_KEEPALIVE = {"TCP_KEEPIDLE": 10, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 25_000}


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Hello(_Message):
    """To process 0, first of all: who this is, and what it has been told to do.

    Attributes:
        plan: a digest of the cases, which have to be the same for all.
    """

    kind: Literal["hello"] = "hello"
    process_id: int
    processes: int
    host: Provenance
    plan: str


class Begin(_Message):
    """From process 0: train this case with the workers that meet at `coordinator`."""

    kind: Literal["begin"] = "begin"
    run_id: str
    case: Case
    coordinator: str


class Stop(_Message):
    """From process 0: the case has ended."""

    kind: Literal["stop"] = "stop"


class TaskResult(_Message):
    """To process 0: how a worker ended; `transient` as in `bench.execution.executor.Ended`."""

    kind: Literal["ended"] = "ended"
    run_id: str
    status: Status
    error: str | None
    retryable: bool


class Dismiss(_Message):
    """From process 0, last of all: exit with this code, for this reason if there is one."""

    kind: Literal["dismiss"] = "dismiss"
    code: int
    reason: str | None = None


Message = Hello | Begin | Stop | TaskResult | Dismiss
_ANY: TypeAdapter[Message] = TypeAdapter(Annotated[Message, Field(discriminator="kind")])


class Link:
    """One end of the line; every failure of it is an OSError."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._received = b""
        connected.settimeout(SEND_S)
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _KEEPALIVE.items():
            if hasattr(socket, name):  # not everywhere
                connected.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)

    def send(self, message: Message) -> None:
        """Hand a message to the system."""
        self._socket.sendall(message.model_dump_json().encode() + b"\n")

    def messages(self) -> list[Message]:
        """What has come since the last time; never waits.

        Raises:
            OSError: the other end is gone, or talks nonsense.
        """
        while b"\n" not in self._received and select.select([self._socket], [], [], 0)[0]:
            if not (got := self._socket.recv(2**16)):
                raise ConnectionError("the connection was closed")
            self._received += got
            if len(self._received) > _MOST:
                raise ConnectionError("the message has no end")
        *lines, self._received = self._received.split(b"\n")
        try:
            return [_ANY.validate_json(line) for line in lines]
        except ValidationError:
            raise ConnectionError("the message makes no sense") from None

    def close(self) -> None:
        """Hang up."""
        self._socket.close()
