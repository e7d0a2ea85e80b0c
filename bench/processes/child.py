"""The worker's side of a supervised process; light, since it is loaded before the cores are set."""

import signal
from collections.abc import Callable
from multiprocessing.connection import Connection

from bench.measure.messages import Outcome, Task, unmeasured_record
from fmnist_jax.system.parent_death import exit_with_parent

Execute = Callable[[Task, Connection], Outcome]


def serve(execute: Execute, task: Task, events: Connection, parent: int) -> None:
    """Do the task and send its outcome; the target of the process."""
    exit_with_parent(parent)
    # Ctrl-C reaches the whole group; the parent alone decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        outcome = execute(task, events)
    except Exception as error:
        text = " ".join(f"the worker failed: {type(error).__name__}: {error}".split())
        outcome = Outcome(unmeasured_record(task, "failed", text))
    events.send(outcome)
