"""What runs inside the Dask workers: their introduction, and one case at a time."""

import pickle
import threading
from collections.abc import Callable, Set
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from bench.execution.executor import Slot, TaskResult
from bench.execution.local import LocalExecutor
from bench.measure.messages import Measured, Progress, Task
from bench.records import store
from bench.records.provenance import Provenance
from fmnist_jax.system.cpu import available_cores

POLL_S = 0.5  # between two looks whether a case is still wanted
Inspect = Callable[[str, tuple[int, ...]], Provenance]
_one_case = threading.Lock()  # a Dask worker may have several threads


class Unwanted(Exception):
    """The client has cancelled a case, or is gone."""


def introduce(
    name: str,
    inspect: Inspect,
    command: str,
    folder: str,
    threads: int,
    taken: Set[int],
) -> Slot:
    """Choose the cores of this Dask worker, and fingerprint them.

    Args:
        name: of the worker.
        inspect: makes the fingerprint.
        command: for the records.
        folder: the identity of the results folder, for the records.
        threads: how many cores it may use.
        taken: those of other Dask workers on this machine.
    """
    cores = available_cores()
    own = tuple(core for core in cores if core not in taken)[:threads] or cores[:threads]
    host = inspect(command, own).model_copy(update={"folder": folder})
    return Slot(host, own, name)


def measured_variable(run_id: str, client: Any = None) -> Any:
    """Return the Dask variable that keeps `Measured` for the case that its machine is lost."""
    from distributed import Variable

    return Variable(f"fmnist-jax-{run_id}", client)


def run(task: Task, results: Path, topic: str, options: dict[str, Any]) -> TaskResult:
    """Run a case in a supervised process, and tell its progress under `topic`.

    Args:
        task: the case; without checkpoints where this machine does not see `results`.
        results: the results folder.
        topic: of the client.
        options: of `LocalExecutor`.

    Raises:
        Unwanted: the client cancelled it or is gone, or the worker is closing.
    """
    from distributed import Status, get_worker

    worker = get_worker()
    key = worker.get_current_task()

    def check() -> None:
        # A thread cannot be stopped, so it has to ask.
        state = worker.state.tasks.get(key)
        if worker.status is not Status.running or state is None or state.state == "cancelled":
            raise Unwanted

    def send(kind: str, content: dict[str, object] | None = None) -> None:
        worker.log_event(topic, (task.run_id, kind, content))

    def report(_: Task, message: Progress | Measured) -> None:
        if isinstance(message, Progress):
            send("progress", asdict(message))
        else:
            with suppress(OSError):  # the outcome is going to say the same
                measured_variable(task.run_id).set(pickle.dumps(message))

    if not store.has_id(results, task.host.folder or ""):
        task = replace(task, checkpoints=None)
    while not _one_case.acquire(timeout=POLL_S):
        check()
    executor = LocalExecutor(task.host, task.cores, **options)
    executor.prepare([task.case], report)
    try:
        send("started")
        executor.start(task, Slot(task.host, task.cores))
        while not (ended := executor.poll()):
            check()
        return ended[0]
    finally:
        executor.stop()
        _one_case.release()
        send("ended")
