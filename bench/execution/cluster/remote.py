"""What happens on a machine of a cluster, for `bench.execution.cluster.executor` at the other end.

A Dask worker runs its tasks in threads, has loaded what sizes its thread pools before
a case is given its cores, and may be a daemon, to whom multiprocessing forbids
children. So it starts `python -m bench.execution.cluster.remote`, which supervises one case
as a run on that machine would, and passes on what it says.
"""

import multiprocessing
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Set
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from bench.execution.executor import Slot, TaskResult
from bench.execution.local import LocalExecutor
from bench.measure import machine
from bench.measure.measure import execute
from bench.measure.messages import Progress, Task
from bench.processes import reaper, signals
from bench.processes.child import Execute
from bench.records.provenance import Provenance
from fmnist_jax.system.cpu import available_cores
from fmnist_jax.system.parent_death import exit_with_parent

LOOK_S = 0.5  # between two looks whether a case is still wanted
Inspect = Callable[[str, tuple[int, ...]], Provenance]
_free = threading.Lock()  # one case at a time, whoever asks


class Unwanted(Exception):
    """Whoever asked for a case wants it no more, or is gone."""


@dataclass(frozen=True)
class Order:
    """A case to be run, with its limits as of `LocalExecutor`."""

    task: Task
    timeout: float | None
    memory_limit: int | None
    execute: Execute = execute


def introduce(
    name: str,
    inspect: Inspect,
    command: str,
    folder: str,
    marker: Path,
    threads: int,
    taken: Set[int],
) -> tuple[Slot, bool]:
    """Choose the cores of this Dask worker and fingerprint them; runs in it.

    Args:
        name: of the worker.
        inspect: makes the fingerprint.
        command: for the records.
        folder: the identity of the results folder, for the records.
        marker: a file in the results folder.
        threads: how many cores it may use.
        taken: those of other Dask workers on this machine.

    Returns:
        Its place, and whether it sees the results folder.
    """
    cores = available_cores()
    own = tuple(core for core in cores if core not in taken)[:threads] or cores[:threads]
    host = inspect(command, own).model_copy(update={"folder": folder})
    return Slot(host, own, name), marker.exists()


def run(order: Order, topic: str) -> TaskResult:
    """Run a case under supervision, and tell its progress under `topic`; runs in a Dask worker.

    Raises:
        Unwanted: the client cancelled it or is gone, or the worker is closing.
        RuntimeError: the supervisor died.
    """
    from distributed import Status, get_worker

    worker = get_worker()
    key = worker.get_current_task()

    def check() -> None:
        # A thread cannot be stopped, so it has to ask.
        state = worker.state.tasks.get(key)
        if worker.status is not Status.running or state is None or state.state == "cancelled":
            raise Unwanted

    def say(what: str, content: dict[str, object] | None = None) -> None:
        worker.log_event(topic, (order.task.run_id, what, content))

    while not _free.acquire(timeout=LOOK_S):
        check()
    try:
        say("begun")
        return _supervised(order, check, lambda progress: say("progress", asdict(progress)))
    finally:
        _free.release()
        say("over")


def _supervised(
    order: Order, check: Callable[[], None], report: Callable[[Progress], None]
) -> TaskResult:
    receiver, sender = multiprocessing.Pipe(duplex=False)
    with (
        receiver,
        subprocess.Popen(
            [sys.executable, "-m", "bench.execution.cluster.remote", str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=sender.fileno(),
            cwd=machine.ROOT,
        ) as process,
    ):
        sender.close()
        try:
            assert process.stdin
            process.stdin.write(pickle.dumps(order))
            process.stdin.close()
            while True:
                check()
                if receiver.poll(LOOK_S):
                    message = receiver.recv()
                    if isinstance(message, TaskResult):
                        return message
                    report(message)
        except (EOFError, OSError):
            code = process.wait()
            raise RuntimeError(f"the supervisor of the case died with exit code {code}") from None
        finally:
            process.terminate()


def main() -> None:
    """Supervise the case that is described on stdin, and say on stdout how it goes and ends."""
    exit_with_parent(int(sys.argv[1]))
    events = Connection(os.dup(sys.stdout.fileno()), readable=False)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what libraries print goes there
    order: Order = pickle.load(sys.stdin.buffer)
    with reaper.kill_descendants_on_exit(), signals.as_event() as interrupted:
        task, host = order.task, order.task.host
        executor = LocalExecutor(
            host,
            task.cores,
            timeout=order.timeout,
            memory_limit=order.memory_limit,
            execute=order.execute,
        )
        executor.start(task, Slot(host, task.cores))
        ended: list[TaskResult] = []
        try:
            while not ended and not interrupted.is_set():
                ended = executor.poll(lambda _, progress: events.send(progress))
        finally:
            ended += executor.stop()
    events.send(ended[0])


if __name__ == "__main__":
    main()
