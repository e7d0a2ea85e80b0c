"""Run a function in a process of its own.

A child ends with its parent, however the parent ends. It sees neither Ctrl-C nor SIGTERM,
which a terminal and many a supervisor send to the whole process group: the parent alone
decides what they mean. Whoever kills a child kills all that it started, too: children
inherit an environment variable, and are found by it.

This module is light: a child imports it before it sizes its thread pools.
"""

import multiprocessing
import os
import secrets
import signal
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from types import ModuleType
from typing import Any, Self

from fmnist_jax.errors import in_one_line
from fmnist_jax.system.parent_death import exit_with_parent
from fmnist_jax.system.process_tags import kill_tagged, tagged

TAG = "FMNIST_JAX_CHILD"  # the environment variable of children: function-token
_starting = threading.Lock()  # what a child inherits is a matter of the whole process


class ChildError(Exception):
    """There will be no result; the message says why, in one line."""


class ChildRaised(ChildError):
    """The child's function raised an exception."""


class ChildDied(ChildError):
    """The child's process ended before its function returned."""


@dataclass(frozen=True)
class Returned:
    """The last message of a child: what its function returned."""

    value: Any


@dataclass(frozen=True)
class _Raised:
    text: str


class Child:
    """A process that runs one function; use as a context manager, or call `kill`.

    Attributes:
        connection: to the function's last argument, in both directions.
    """

    def __init__(
        self, function: Callable[..., Any], *arguments: Any, hide_output: bool = False
    ) -> None:
        """Start the process.

        Args:
            function: importable by name; called with the arguments and the child's end of
                the connection. `receive` gives what it sends, and at last what it returns.
            *arguments: anything that can be pickled.
            hide_output: keep what the process prints off the screen; the last line on
                stderr explains its death.
        """
        self._tag = f"{function.__name__}-{secrets.token_hex(8)}"
        self._output = _make_output_file() if hide_output else None
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self._process = context.Process(
            target=_serve,
            args=(function, arguments, theirs, os.getpid(), self._output),
            daemon=True,
        )
        with _starting, tagged(TAG, self._tag), _detached():
            self._process.start()
        theirs.close()  # else the connection stays open after the child's death
        # Also at the end of this process, where multiprocessing would wait for its children.
        self._end = weakref.finalize(
            self, _end, self._process, self.connection, self._tag, self._output
        )

    @property
    def pid(self) -> int:
        """The number of the process."""
        assert self._process.pid
        return self._process.pid

    @property
    def exitcode(self) -> int | None:
        """How the process ended; negative for a signal, None while it runs."""
        return self._process.exitcode

    @property
    def output(self) -> str:
        """What the process has printed on stderr so far, if that is hidden."""
        return self._output.read_text(errors="replace") if self._output else ""

    @property
    def waitables(self) -> list[Any]:
        """What `multiprocessing.connection.wait` can watch: ready where `receive` has news."""
        open_ends = [] if self.connection.closed else [self.connection]
        return [*open_ends, self._process.sentinel]

    def receive(self, timeout: float | None = None) -> Any:
        """Wait for the next message: what the function sent, at last `Returned`.

        Args:
            timeout: seconds to wait; None: without end.

        Raises:
            TimeoutError: there is no message yet.
            ChildRaised: the function raised.
            ChildDied: the process ended without a result.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            if not wait(self.waitables, left):
                raise TimeoutError(f"no answer within {timeout:g} s")
            # In this order: a process that has died has sent all that it ever will.
            dead = not self._process.is_alive()
            try:
                if not self.connection.closed and self.connection.poll():
                    message = self.connection.recv()
                    if isinstance(message, _Raised):
                        raise ChildRaised(message.text)
                    return message
            except (EOFError, OSError):
                self.connection.close()
            if dead:
                raise ChildDied(self._cause_of_death())

    def result(self) -> Any:
        """Wait for what the function returns, and pass over what it sends.

        Raises:
            ChildError: as of `receive`.
        """
        while not isinstance(message := self.receive(), Returned):
            pass
        return message.value

    def join(self, timeout: float) -> None:
        """Wait for the end of the process, but no longer than `timeout` seconds."""
        self._process.join(timeout)

    def kill(self) -> None:
        """End the process and all that it started, and return when nothing is left of them."""
        self._end()

    def _cause_of_death(self) -> str:
        cause = exit_cause(self._process.exitcode)
        lines = self.output.strip().splitlines()
        return f"{cause}: {lines[-1].strip()}" if lines else cause

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


def _make_output_file() -> Path:
    """Make a file for what a child prints; where nothing can be written, that is lost."""
    try:
        handle, name = tempfile.mkstemp(prefix="fmnist-jax-")
    except OSError:
        return Path(os.devnull)
    os.close(handle)
    return Path(name)


def _end(process: SpawnProcess, connection: Connection, tag: str, output: Path | None) -> None:
    process.kill()
    process.join()
    kill_tagged(TAG, tag)
    connection.close()
    if output and output != Path(os.devnull):
        output.unlink(missing_ok=True)


def exit_cause(exitcode: int | None) -> str:
    """Say in words how a process ended; negative codes are signals."""
    if exitcode is None or exitcode >= 0:
        return f"exit code {exitcode}"
    try:
        name = signal.Signals(-exitcode).name
    except ValueError:  # a real-time signal
        name = f"signal {-exitcode}"
    hint = " (by hand, or by the system for want of memory)" if name == "SIGKILL" else ""
    return f"killed by {name}{hint}"


@contextmanager
def _detached() -> Iterator[None]:
    """Start processes that need nothing of this one's script, and that no signal reaches."""
    with ExitStack() as stack:
        if hasattr(signal, "pthread_sigmask"):  # not on Windows
            numbers = (signal.SIGINT, signal.SIGTERM)
            before = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
            stack.callback(signal.pthread_sigmask, signal.SIG_SETMASK, before)
        # A spawned process would import the caller's script, and run one without a guard again.
        script = sys.modules["__main__"]
        sys.modules["__main__"] = ModuleType("__main__")
        stack.callback(sys.modules.__setitem__, "__main__", script)
        # multiprocessing forbids children to a daemon, as a Dask worker is; ours never outlive it.
        config: dict[str, Any] = vars(multiprocessing.current_process())["_config"]
        if config.pop("daemon", False):
            stack.callback(config.__setitem__, "daemon", True)
        yield


def _serve(
    function: Callable[..., Any],
    arguments: tuple[Any, ...],
    connection: Connection,
    parent: int,
    output: Path | None,
) -> None:
    """Call the function and send its result; the target of the process."""
    exit_with_parent(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if output:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(os.open(output, os.O_WRONLY | os.O_APPEND), 2)
    message: Returned | _Raised
    try:
        message = Returned(function(*arguments, connection))
    except Exception as error:
        message = _Raised(in_one_line(error))
    with suppress(OSError):  # the parent, or the function, has closed the connection
        connection.send(message)
