"""Finding other processes, and waiting for what they do."""

import time

import psutil

PATIENCE_S = 120.0


def wait_for(condition, what):
    """What the condition gives, once it gives anything."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.05)
    raise TimeoutError(f"{what} did not come")


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
