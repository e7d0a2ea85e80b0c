"""The command as two processes that train one network together, each on a core of its own."""

import os
import socket
import subprocess
import sys

from fmnist_jax.system.cpu import available_cores
from tests.support.processes import PATIENCE_S, find_worker

# The command on one core. Not by preexec_fn, which would fork a process in which jax has threads.
CONFINED = """
import os, sys
os.sched_setaffinity(0, {int(sys.argv[1])})
os.execv(sys.executable, [sys.executable, "-m", "bench", *sys.argv[2:]])
"""


def together(folder, cache, *options):
    """Start both processes of `run`; each writes into the folder of its number."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        coordinator = f"127.0.0.1:{server.getsockname()[1]}"
    return [_start(number, coordinator, folder / str(number), cache, options) for number in (0, 1)]


def _start(number, coordinator, results, cache, options):
    cores = available_cores()
    core = str(cores[number % len(cores)])
    return subprocess.Popen(
        [sys.executable, "-c", CONFINED, core, "run", *options, "--progress=plain",
         f"--results={results}",
         f"--coordinator={coordinator}", "--processes=2", f"--process-id={number}"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        env=os.environ | {"FMNIST_CACHE_DIR": str(cache)},
    )  # fmt: skip


def end(processes):
    """Exit codes and what was said on stderr."""
    said = [process.communicate(timeout=PATIENCE_S)[1] for process in processes]
    return [process.returncode for process in processes], said


def lose_a_worker(folder, cache, *options):
    """Kill the worker of process 1 after an epoch, see the run end, and run it again to its end.

    Returns:
        Exit codes and what was said, of the first run and of the second.
    """
    started = first, second = together(folder, cache, *options)
    try:
        for line in first.stderr:
            if "epoch 2/" in line:
                break
        find_worker(second.pid).kill()
        lost = end(started)
        again = together(folder, cache, *options)
        started += again
        return lost, end(again)
    finally:
        for process in started:
            process.kill()  # does nothing to a process that has ended
