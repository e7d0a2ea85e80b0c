"""Finding other processes, and waiting for what they do."""

import time

import psutil

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
    """The worker processes of a command."""
    found = []
    for child in psutil.Process(parent).children():
        try:
            if "spawn_main" in " ".join(child.cmdline()):
                found.append(child)
        except psutil.Error:
            continue
    return found
