"""Nothing survives the command: whatever it starts carries a mark, and is found by it.

A mark is an environment variable, which children inherit from children without
knowing of it. A warden, a small process in a session of its own, waits for the
end of the command, however it comes about, and kills what still carries the mark.
"""

import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from pathlib import Path

import psutil

COMMAND, WORKER = "FMNIST_BENCH_COMMAND", "FMNIST_BENCH_WORKER"
_ROUNDS = 5


@contextmanager
def tagged(name: str, value: str) -> Iterator[None]:
    """Processes started meanwhile carry the mark."""
    # Whoever first needs this helper of multiprocessing starts it, and all workers share it.
    resource_tracker.ensure_running()
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def kill_tagged(name: str, value: str) -> None:
    """Kill every process with this mark, but for the caller and its parent."""
    for _ in range(_ROUNDS):
        found = list(_carrying(name, value))
        for process in found:
            with suppress(psutil.Error):
                process.kill()
        if not found:
            return
        psutil.wait_procs(found, timeout=1)  # those killed may have started more meanwhile


def _carrying(name: str, value: str) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        # Other users' processes may not be asked, and zombies have nothing to say.
        with suppress(psutil.Error, OSError):
            if (
                process.pid not in (os.getpid(), os.getppid())
                and process.environ().get(name) == value
                and process.status() != psutil.STATUS_ZOMBIE
            ):
                yield process


@contextmanager
def kill_descendants_on_exit() -> Iterator[None]:
    """A command that leaves no process behind, not even when it is killed by SIGKILL."""
    token = secrets.token_hex(8)
    with (
        # On leaving, Popen closes the pipe, which is the warden's sign, and waits for it.
        subprocess.Popen(
            [sys.executable, "-m", "bench.processes.reaper", token],
            stdin=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
            start_new_session=True,  # Ctrl-C and a kill of the whole group are not for it
        ),
        tagged(COMMAND, token),
    ):
        yield


def main() -> None:
    """Wait until the command is through, or gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.stdin.read()
    kill_tagged(COMMAND, sys.argv[1])


if __name__ == "__main__":
    main()
