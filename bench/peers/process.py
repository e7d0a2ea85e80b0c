"""The parent's end of a worker: starts it, asks it, and never leaves it behind."""

import multiprocessing
import os
import signal
from contextlib import suppress
from types import TracebackType
from typing import Self, TypeVar

from bench.peers import worker
from bench.peers.protocol import Answer, Entrant, Failure, Ready, Request, Setup
from bench.processes import signals

T = TypeVar("T", bound=Answer)


class WorkerLost(Exception):
    """A worker gave up, died or did not answer in time; the message says which."""


class Worker:
    """A supervised process for one entrant; use as a context manager."""

    def __init__(self, setup: Setup, entrant: Entrant, debug: bool = False) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(
            target=worker.serve, args=(setup, entrant, theirs, debug, os.getpid()), daemon=True
        )
        with signals.blocked():
            self._process.start()
        # Else the pipe stays open after the worker's death, and waiting for it has no end.
        theirs.close()

    @property
    def pid(self) -> int | None:
        """Of the process."""
        return self._process.pid

    def ready(self, timeout_s: float) -> Ready:
        """Wait until the worker has made its network."""
        return self._receive(Ready, timeout_s)

    def ask(self, request: Request, answer: type[T], timeout_s: float) -> T:
        """Send a request and wait for its answer.

        Raises:
            WorkerLost: there will be none.
        """
        with suppress(OSError):  # a dead worker is explained below
            self._connection.send(request)
        return self._receive(answer, timeout_s)

    def _receive(self, answer: type[T], timeout_s: float) -> T:
        try:
            if not self._connection.poll(timeout_s):
                raise WorkerLost(f"no answer within {timeout_s:g} s")
            received = self._connection.recv()
        except (EOFError, OSError):
            self._process.join(5)
            raise WorkerLost(_cause(self._process.exitcode)) from None
        if isinstance(received, Failure):
            raise WorkerLost(received.reason)
        assert isinstance(received, answer)
        return received

    def close(self) -> None:
        """End the process: it leaves when its connection closes, or is made to."""
        self._connection.close()
        self._process.join(5)
        self.kill()

    def kill(self) -> None:
        """End the process at once; it has nothing to lose."""
        self._connection.close()
        self._process.kill()
        self._process.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind:  # nobody waits for a worker that is busy
            self.kill()
        else:
            self.close()


def _cause(exitcode: int | None) -> str:
    if exitcode is None:
        return "the worker closed its connection"
    if exitcode < 0:
        return f"the worker was killed by {signal.Signals(-exitcode).name}"
    return f"the worker ended with exit code {exitcode}"
