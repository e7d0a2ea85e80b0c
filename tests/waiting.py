"""Waiting for what other processes do."""

import time

PATIENCE_S = 120.0


def wait_for(condition, what):
    """What the condition gives, once it gives anything."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.05)
    raise TimeoutError(f"{what} did not come")
