"""Kill every descendant when the command exits, even by SIGKILL.

Children inherit an environment tag; a watchdog process kills what still carries it.
"""

import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fmnist_jax.system.process_tags import kill_tagged, tagged

TAG = "FMNIST_BENCH_COMMAND"


@contextmanager
def kill_descendants_on_exit() -> Iterator[None]:
    """Leave no process behind that is started meanwhile."""
    token = secrets.token_hex(8)
    with (
        # On leaving, Popen closes the pipe, which is the watchdog's sign, and waits for it.
        subprocess.Popen(
            [sys.executable, "-m", "bench.processes.reaper", token],
            stdin=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
            start_new_session=True,  # signals to the whole group are not for it
        ),
        tagged(TAG, token),
    ):
        yield


def main() -> None:
    """Wait for the end of the command, and kill what it left."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.stdin.read()
    kill_tagged(TAG, sys.argv[1])


if __name__ == "__main__":
    main()
