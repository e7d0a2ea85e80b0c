"""Cases become records: each in a supervised process with cores of its own.

A case that raises, hangs or dies costs its own record and nothing else: pebble
watches every process, and each sends its progress through a pipe of its own,
since a shared queue can be left locked by a process that is killed.
"""

import multiprocessing
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Literal, Protocol

from pebble import ProcessExpired, ProcessFuture, concurrent

from bench import checkpoints, interrupts, store
from bench.job import Outcome, Progress, Task, blank_record, new_task
from bench.machine import Host
from bench.record import Case, Record, Status
from bench.store import Stored
from bench.worker import execute
from fmnist_jax.learner import LEARNERS

POLL_S = 0.1
STOP_S = 10.0  # pebble asks politely, and kills after three seconds
Execute = Callable[[Task, Connection], Outcome]


class Observer(Protocol):
    """Whoever shows what happens."""

    def started(self, task: Task) -> None:
        """A worker took up a case."""
        ...

    def progress(self, task: Task, progress: Progress) -> None:
        """A worker gave a sign of life."""
        ...

    def finished(self, record: Record) -> None:
        """A case ended, well or not, and its record is stored."""
        ...


@dataclass
class _Worker:
    """A process at work; `contended` once anything else ran beside it."""

    task: Task
    future: "ProcessFuture[Outcome]"
    events: Connection
    contended: bool = False


@dataclass
class _Pool:
    """Which cores are free, and who is at work."""

    free: set[int]
    accelerator_free: bool
    workers: list[_Worker] = field(default_factory=list)


def pending(cases: Sequence[Case], host: Host, results: Path) -> tuple[list[Case], list[Stored]]:
    """Cases still to run, and the records that make the others unnecessary."""
    todo, done = [], []
    finished = store.finished_by_identity(results)
    for case in cases:
        like = blank_record(new_task(case, host, ()), "ok")
        found = finished.get(store.identity(like))
        if found:
            done.append(found)
        else:
            todo.append(case)
    return todo, done


def run(
    cases: Sequence[Case],
    host: Host,
    results: Path,
    observer: Observer,
    *,
    cores: Sequence[int],
    jobs: int | Literal["auto"] = "auto",
    timeout: float | None = None,
    data_dir: Path | None = None,
    checkpoint_every: int = 0,
    debug: bool = False,
    execute: Execute = execute,
) -> list[Stored]:
    """Run all cases, the longest first, and store a record of each as it ends.

    Args:
        cases: what to run.
        host: the fingerprint that goes into every record.
        results: the results folder.
        observer: is told what happens, in this thread.
        cores: the CPUs to share out.
        jobs: cases side by side at most; auto is as many as there are cores.
        timeout: seconds after which a case is stopped.
        data_dir: as given on the command line.
        checkpoint_every: epochs between a network's checkpoints; 0: none.
        debug: workers print tracebacks.
        execute: what a worker does; it must be importable by name.

    Raises:
        KeyboardInterrupt: after the cases at work were stopped and recorded; its
            argument is the list of all records.
        UserError: a record cannot be stored.
    """
    queue = sorted(cases, key=lambda case: -expected_cost(case))
    most = len(cores) if jobs == "auto" else jobs
    if jobs == "auto" and host.accelerated:
        most += 1  # the accelerator's case hardly needs the CPU
    networks_aside = host.accelerated and any(case.kind == "flax" for case in cases)
    share = cores_of_a_baseline(cases, len(cores) - networks_aside, most)
    pool = _Pool(set(cores), host.accelerated)
    stored: list[Stored] = []

    def keep(worker: _Worker, outcome: Outcome) -> None:
        run = outcome.record.run.model_copy(update={"contended": worker.contended})
        record = outcome.record.model_copy(update={"run": run})
        stored.append(store.write(results, record, outcome.artifacts))
        if record.run.status in ("ok", "diverged"):  # the others may go on where they stopped
            checkpoints.discard(results, host, record.case)
        observer.finished(stored[-1].record)

    with interrupts.interruptible() as interrupted:
        try:
            while queue or pool.workers:
                if interrupted.is_set():
                    raise KeyboardInterrupt
                while len(pool.workers) < most and (
                    case := _next_that_fits(queue, pool, share, host)
                ):
                    queue.remove(case)
                    task = new_task(
                        case,
                        host,
                        _take(pool, case, share, host),
                        data_dir=data_dir,
                        debug=debug,
                        checkpoints=checkpoints.of_case(results, host, case, checkpoint_every),
                    )
                    _start(pool, task, timeout, execute)
                    observer.started(task)
                for worker in _ended(pool, observer):
                    _give_back(pool, worker)
                    keep(worker, _outcome(worker, timeout))
        except KeyboardInterrupt:
            _stop(pool.workers)
            for worker in pool.workers:
                keep(
                    worker, Outcome(blank_record(worker.task, "interrupted", "interrupted by hand"))
                )
            raise KeyboardInterrupt(stored) from None
        finally:
            _stop(pool.workers)
    return stored


def expected_cost(case: Case) -> float:
    """Core-seconds, roughly; only the order matters."""
    return LEARNERS[case.model].core_seconds


def cores_of_a_baseline(cases: Sequence[Case], cores: int, most: int) -> int:
    """An equal share of the cores for each baseline that can run at once."""
    baselines = sum(case.kind == "sklearn" for case in cases)
    return max(1, cores // max(1, min(most, baselines)))


def _cores_wanted(case: Case, share: int, host: Host, total: int) -> int:
    if case.kind == "sklearn":
        return share
    # On an accelerator the host only dispatches; on the CPU a network takes it all.
    return 1 if host.accelerated else total


def _next_that_fits(queue: list[Case], pool: _Pool, share: int, host: Host) -> Case | None:
    total = len(pool.free) + sum(len(worker.task.cores) for worker in pool.workers)
    for case in queue:
        needs_accelerator = case.kind == "flax" and host.accelerated
        if needs_accelerator and not pool.accelerator_free:
            continue
        if _cores_wanted(case, share, host, total) <= len(pool.free) or not pool.workers:
            return case
    return None


def _take(pool: _Pool, case: Case, share: int, host: Host) -> tuple[int, ...]:
    total = len(pool.free) + sum(len(worker.task.cores) for worker in pool.workers)
    taken = sorted(pool.free)[: _cores_wanted(case, share, host, total)]
    pool.free -= set(taken)
    if case.kind == "flax" and host.accelerated:
        pool.accelerator_free = False
    return tuple(taken)


def _give_back(pool: _Pool, worker: _Worker) -> None:
    pool.free |= set(worker.task.cores)
    if worker.task.case.kind == "flax":
        pool.accelerator_free = worker.task.host.accelerated
    pool.workers.remove(worker)
    worker.events.close()


def _start(pool: _Pool, task: Task, timeout: float | None, execute: Execute) -> None:
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    with interrupts.held_back():
        future = concurrent.process(  # type: ignore[call-overload]
            name=_name(task), timeout=timeout, context=context
        )(execute)(task, sender)
    sender.close()
    pool.workers.append(_Worker(task, future, receiver))
    if len(pool.workers) > 1:
        for worker in pool.workers:
            worker.contended = True


def _stop(workers: Sequence[_Worker]) -> None:
    """Stop these workers, and return when they are gone."""
    for worker in workers:
        worker.future.cancel()
    names = {_name(worker.task) for worker in workers}
    for process in multiprocessing.active_children():
        if process.name in names:
            process.join(STOP_S)


def _name(task: Task) -> str:
    return f"{task.case.model}-{task.case.seed}-{task.run_id}"


def _ended(pool: _Pool, observer: Observer) -> list[_Worker]:
    """Pass on progress for a moment, then say which workers are through."""
    by_pipe = {worker.events: worker for worker in pool.workers if not worker.events.closed}
    for pipe in wait(list(by_pipe), POLL_S):
        worker = by_pipe[pipe]  # type: ignore[index]
        try:
            observer.progress(worker.task, worker.events.recv())
        except (EOFError, OSError):
            # The process is gone; its future will say how within a moment.
            wait([], POLL_S)
    ended = [worker for worker in pool.workers if worker.future.done()]
    for worker in ended:
        with suppress(EOFError, OSError):
            while worker.events.poll():
                observer.progress(worker.task, worker.events.recv())
    return ended


def _outcome(worker: _Worker, timeout: float | None) -> Outcome:
    def lost(status: Status, error: str) -> Outcome:
        return Outcome(blank_record(worker.task, status, error))

    try:
        return worker.future.result()
    except FutureTimeoutError:
        return lost("timeout", f"stopped after {timeout:g} s; allow more with --timeout")
    except ProcessExpired as error:
        return lost("failed", f"the worker process died: {_death(error.exitcode)}")
    except Exception as error:
        return lost("failed", f"the worker failed: {type(error).__name__}: {error}")


def _death(exitcode: int | None) -> str:
    if exitcode is None or exitcode >= 0:
        return f"exit code {exitcode}"
    name = signal.Signals(-exitcode).name
    hint = " (by hand, or by the system for want of memory)" if name == "SIGKILL" else ""
    return f"killed by {name}{hint}"
