"""Finding other processes, and waiting for what they do."""

import time
from contextlib import suppress

import psutil

from fmnist_jax.system.child import TAG

PATIENCE_S = 300.0


def wait_for(condition, what):
    """Return what the condition gives, once it gives anything."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.05)
    raise TimeoutError(f"{what} did not come")


def is_alive(pid):
    """Whether a process is there and no zombie."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def gone(pids):
    """Wait until none of the processes is alive."""
    return wait_for(lambda: not any(map(is_alive, pids)), "the end of the processes")


def workers(parent):
    """Find the processes of cases that a command has started, the first of them first."""
    found = []
    for child in psutil.Process(parent).children():
        with suppress(psutil.Error):
            function = child.environ().get(TAG, "").partition("-")[0]
            if function and function != "_inspect_here":  # the probe, which comes before them
                found.append(child)
    return sorted(found, key=lambda child: child.pid)


def find_worker(parent):
    """Wait for the first of these processes."""
    return wait_for(lambda: workers(parent), "a worker")[0]
