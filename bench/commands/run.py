"""`python -m bench run`: from a plan to its records and the closing report."""

import itertools
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

from bench.execution import scheduler as runner
from bench.execution.executor import Executor
from bench.execution.hosts import follower, leader, team
from bench.execution.hosts import seat as seats
from bench.execution.local import LocalExecutor
from bench.measure import machine
from bench.measure.messages import Seat
from bench.plan import cases as planning
from bench.plan.plan import Plan
from bench.processes.signals import EXIT_CODE
from bench.records import checkpoint_dirs as checkpoints
from bench.records import store
from bench.records.schema import Case
from bench.reporting import progress as screens
from bench.reporting import summary as report
from bench.reporting.sections import accuracy as table
from fmnist_jax.data.load import load
from fmnist_jax.data.splits import make_splits
from fmnist_jax.system.cpu import available_cores


def run(
    plan: Plan,
    results: Path,
    *,
    command: str,
    data_dir: Path | None,
    cluster: str | None,
    seat: Seat | None,
    fresh: bool,
    progress: screens.Mode,
    debug: bool,
) -> int:
    """Train, measure, record and report; the exit code.

    Args:
        plan: what to run, and how.
        results: the results folder.
        command: for the records.
        data_dir: folder with the official files.
        cluster: a Dask scheduler's address or a kind of job queue; None: this machine.
        seat: where networks are trained over several hosts, which of them this is.
        fresh: run finished cases again, and from the start.
        progress: how to show what happens.
        debug: workers print tracebacks.

    Raises:
        UserError: nothing can be run, in one line.
    """
    errors = Console(stderr=True)
    screens.show_logs(errors)
    follows = seat is not None and seat.process_id > 0
    folder = None
    if not follows:
        store.check_writable(results)
        folder = store.folder_id(results)
    loaded = load(plan.dataset, data_dir)
    data = plan.data.model_dump()
    make_splits(loaded, data.pop("split_seed"), **data)  # refuse impossible sizes before any work
    cases = planning.cases(plan, loaded)
    if seat:
        seats.check(cases)
    classes, synthetic = loaded.classes, loaded.synthetic
    reason = loaded.fallback_reason or "asked for by name."
    del loaded
    if synthetic:
        errors.print(report.banner(reason))

    with _executor(plan, cluster, results, command, folder) as chosen:
        if seat and follows:
            link = team.call(seat, chosen.hosts[0], cases)
            return follower.follow(seat, link, cases, chosen, data_dir=data_dir, debug=debug)
        others = team.gather(seat, chosen.hosts[0], cases) if seat else None
        executor = leader.Leader(others, chosen) if others else chosen
        began = time.perf_counter()
        todo, done, seen, finished = runner.pending(cases, executor.hosts, results, fresh)
        if fresh:
            for host, case in itertools.product(executor.hosts, cases):
                checkpoints.discard(results, host, case)
        _say_what_is_done(errors, todo, done)
        with screens.reporter(progress, errors) as observer:
            observer.begin(todo)
            finish = runner.run(
                todo,
                results,
                observer,
                executor,
                seen=seen,
                finished=finished,
                retries=plan.retries,
                checkpoint_every=plan.checkpoint_every,
                data_dir=data_dir,
                debug=debug,
            )
    done += finish.stored
    out = table.screen()
    if synthetic:
        out.print(report.banner(reason))
    report.closing(out, done, classes, time.perf_counter() - began)
    code = _exit_code(finish, done, results)
    if others:
        others.dismiss(code)
    return code


def _say_what_is_done(errors: Console, todo: Sequence[Case], done: Sequence[store.Stored]) -> None:
    for found in done:
        errors.print(
            f"{screens.name(found.record.case)}: done already, {found.path}", soft_wrap=True
        )
    if not todo:
        errors.print("nothing is left to run; --fresh runs all of it again")


def _exit_code(finish: runner.RunSummary, done: Sequence[store.Stored], results: Path) -> int:
    """0: all finished, 1: some case failed or is not stored, 130: interrupted."""
    if finish.interrupted:
        print(
            "interrupted; the cases that finished are kept, the next run does the rest",
            file=sys.stderr,
        )
        return EXIT_CODE
    if finish.rescued or finish.lost or finish.left:
        print(f"error: {report.shortfall(finish, results)}", file=sys.stderr)
        return 1
    return int(any(found.record.run.status != "ok" for found in done))


@contextmanager
def _executor(
    plan: Plan, cluster: str | None, results: Path, command: str, folder: str | None
) -> Iterator[Executor]:
    """Where the cases of `plan` run, with its machines known."""
    limits: Any = plan.model_dump(include={"jobs", "timeout", "memory_limit"})
    if cluster:
        from bench.execution.cluster.connect import connected  # of an extra

        screens.log.info("measuring what the machines of the cluster can reach ...")
        with connected(cluster, results, command, **limits) as executor:
            yield executor
    else:
        screens.log.info("measuring what this machine can reach ...")
        yield LocalExecutor(machine.inspect(command, folder=folder), available_cores(), **limits)
