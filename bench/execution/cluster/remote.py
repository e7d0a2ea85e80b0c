"""What runs inside the Dask workers: their introduction, and one case at a time."""

import pickle
import threading
from collections.abc import Callable, Set
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.execution.executor import Slot, TaskResult
from bench.execution.local import LocalExecutor
from bench.measure.messages import Execute, Measured, Progress, Task
from bench.records import store
from bench.records.provenance import Provenance
from fmnist_jax.system.cpu import available_cores

POLL_S = 0.5  # between two looks whether a case is still wanted
Inspect = Callable[[str, tuple[int, ...]], Provenance]
_one_case = threading.Lock()  # a Dask worker may have several threads


class Unwanted(Exception):
    """The client has cancelled a case, or is gone."""


@dataclass(frozen=True)
class Order:
    """A case to be run, with its limits as of `LocalExecutor`."""

    task: Task
    timeout: float | None
    memory_limit: int | None
    execute: Execute


def introduce(
    name: str,
    inspect: Inspect,
    command: str,
    results: Path,
    folder: str,
    threads: int,
    taken: Set[int],
) -> tuple[Slot, bool]:
    """Choose the cores of this Dask worker, and fingerprint them.

    Args:
        name: of the worker.
        inspect: makes the fingerprint.
        command: for the records.
        results: the results folder, which may be on a disk that this machine shares.
        folder: its identity, for the records.
        threads: how many cores it may use.
        taken: those of other Dask workers on this machine.

    Returns:
        Its slot, and whether it sees the results folder.
    """
    cores = available_cores()
    own = tuple(core for core in cores if core not in taken)[:threads] or cores[:threads]
    host = inspect(command, own).model_copy(update={"folder": folder})
    return Slot(host, own, name), store.has_id(results, folder)


def measured_variable(run_id: str, client: Any = None) -> Any:
    """Return the Dask variable that keeps `Measured` for the case that its machine is lost."""
    from distributed import Variable

    return Variable(f"fmnist-jax-{run_id}", client)


def run(order: Order, topic: str) -> TaskResult:
    """Run a case in a supervised process, and tell its progress under `topic`.

    Raises:
        Unwanted: the client cancelled it or is gone, or the worker is closing.
    """
    from distributed import Status, get_worker

    worker, task = get_worker(), order.task
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

    while not _one_case.acquire(timeout=POLL_S):
        check()
    executor = LocalExecutor(
        task.host,
        task.cores,
        timeout=order.timeout,
        memory_limit=order.memory_limit,
        execute=order.execute,
    )
    try:
        send("started")
        executor.start(task, Slot(task.host, task.cores))
        while not (results := executor.poll(report)):
            check()
        return results[0]
    finally:
        executor.stop()
        _one_case.release()
        send("ended")
