"""`python -m bench run`: from a plan to its records and the closing report."""

import itertools
import logging
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from bench.execution.executor import Executor
from bench.execution.local import LocalExecutor
from bench.execution.multihost.executor import connect
from bench.execution.multihost.rank import check_plan
from bench.execution.multihost.worker import follow
from bench.execution.scheduler import RunSummary, Scheduler
from bench.measure.host import probe
from bench.measure.hosts import Member, Rank
from bench.plan.cases import DatasetDescription, describe_dataset, make_cases
from bench.plan.plan import Plan
from bench.processes import signals
from bench.records import checkpoint_dirs, store
from bench.records.pending import PendingCases, find_pending
from bench.records.provenance import Provenance
from bench.records.store import Stored
from bench.reporting.progress import Mode, reporter
from bench.reporting.progress import name as case_name
from bench.reporting.rendering.console import show_logs, stderr_console, stdout_console
from bench.reporting.summary import banner, print_report, shorten
from fmnist_jax.errors import printable
from fmnist_jax.learner import models_of
from fmnist_jax.system.cpu import available_cores

log = logging.getLogger("fmnist_jax")

# Groups of models that are not run with all, and how to run them.
LEFT_OUT = {
    "accelerator": "they want a GPU or TPU: --config accelerator",
    "experiments": "by name",
    "reference": "in other frameworks, to compare with: --config fast",
    "xiao2017": "of the dataset's own benchmark: --config official-grid",
}


def run(
    plan: Plan,
    results: Path,
    *,
    command: str,
    data_dir: Path | None,
    cluster: str | None,
    rank: Rank | None,
    fresh: bool,
    progress: Mode,
    debug: bool,
) -> int:
    """Train, measure, record and report; return the exit code.

    Args:
        plan: what to run, and how.
        results: the results folder.
        command: for the records.
        data_dir: folder with the official files.
        cluster: a Dask scheduler's address or a kind of job queue; None: this machine.
        rank: which process this is, where networks are trained over several hosts.
        fresh: run finished cases again, and from the start.
        progress: how to show what happens.
        debug: workers print tracebacks.

    Raises:
        UserError: nothing can be run, in one line.
    """
    errors = stderr_console()
    show_logs(errors)
    follows = rank is not None and rank.process_id > 0
    folder = None if follows else _claim(results)
    dataset = describe_dataset(plan, data_dir)
    cases = make_cases(plan, dataset)
    member = None
    if rank:
        check_plan(plan, cases)
        host = _inspect(command, folder)
        member = Member(rank, host, cases, available_cores(), data_dir, debug)
        if follows:
            return follow(member)
    if dataset.synthetic:
        errors.print(banner(dataset.reason))
    with _open_executor(plan, cluster, member, results, command, folder) as executor:
        began = time.perf_counter()
        pending = find_pending(cases, executor.hosts, results, fresh)
        if fresh:
            for host, case in itertools.product(executor.hosts, cases):
                checkpoint_dirs.discard(results, host, case)
        _show_left_out(errors, plan)
        _show_pending(errors, pending)
        with reporter(progress, errors) as observer:
            summary = Scheduler(
                pending, results, executor, observer,
                retries=plan.retries, checkpoint_every=plan.checkpoint_every,
                supplements=plan.supplements, data_dir=data_dir, debug=debug,
            ).run()  # fmt: skip
    records = [*pending.done, *summary.stored]
    _report(records, dataset, time.perf_counter() - began)
    return _exit_code(summary, records, results, plan.checkpoint_every)


def _claim(results: Path) -> str:
    """Return the identity of the results folder, which can be written to."""
    store.check_writable(results)
    return store.folder_id(results)


@contextmanager
def _open_executor(
    plan: Plan,
    cluster: str | None,
    member: Member | None,
    results: Path,
    command: str,
    folder: str | None,
) -> Iterator[Executor]:
    """Open the executor of the plan's cases, with its machines known."""
    limits: Any = plan.model_dump(include={"jobs", "timeout", "memory_limit"})
    if cluster:
        from bench.execution.cluster.connect import connected  # of an extra

        log.info("measuring what the machines of the cluster can reach ...")
        with connected(cluster, results, command, **limits) as executor:
            yield executor
    elif member:
        with connect(member, plan.timeout) as executor:
            yield executor
    else:
        yield LocalExecutor(_inspect(command, folder), available_cores(), **limits)


def _inspect(command: str, folder: str | None) -> Provenance:
    log.info("measuring what this machine can reach ...")
    return probe.inspect(command, folder=folder)


def _show_left_out(errors: Console, plan: Plan) -> None:
    """Name the models that "all" does not mean, and how to run them."""
    if plan.models or plan.grid:
        return
    parts = [f"{', '.join(models_of(group))} ({how})" for group, how in LEFT_OUT.items()]
    errors.print(f"not among all models: {'; '.join(parts)}", soft_wrap=True, markup=False)


def _show_pending(errors: Console, pending: PendingCases) -> None:
    for stored in pending.done:
        case = case_name(stored.record.case)
        errors.print(f"{case}: done already, {stored.path}", soft_wrap=True, markup=False)
    if not pending.todo:
        errors.print("nothing is left to run; --fresh runs all of it again")


def _report(records: Sequence[Stored], dataset: DatasetDescription, seconds: float) -> None:
    """Print the closing report, and what to do next."""
    out = stdout_console()
    if dataset.synthetic:
        out.print(banner(dataset.reason))
    print_report(out, records, seconds)
    _print_next(out, records)


def _print_next(console: Console, stored: Sequence[Stored]) -> None:
    """Name the commands that go on from here."""
    finished = [found for found in stored if found.record.run.status == "ok"]
    if not finished:
        return
    results = finished[0].path.parents[3]
    folder = "" if shorten(results) == "results" else f" --results {shorten(results)}"
    explained = [found.record for found in finished if found.record.explanations]
    best = max(explained, key=lambda r: r.quality.validation_accuracy or 0.0, default=None)
    machines = {path.parents[2] for path in results.glob("*/*/*/*.json")}
    commands = [
        "report",
        *(["compare"] if len(machines) > 1 else []),
        *([f"gradcam {best.case.model}"] if best else []),
    ]
    python = _python()
    for number, command in enumerate(commands):
        start = "      " if number else "next: "
        console.print(Text(printable(f"{start}{python} -m bench {command}{folder}")))


def _python() -> str:
    """Return what this Python is called in a shell here."""
    own = Path(sys.executable)
    if Path(shutil.which("python") or "").parent == own.parent:  # its environment is active
        return "python"
    return str(own.relative_to(Path.cwd()) if own.is_relative_to(Path.cwd()) else own)


def _exit_code(
    summary: RunSummary, records: Sequence[Stored], results: Path, checkpoint_every: int
) -> int:
    """Return 0 if all finished, 1 if some case failed or is not stored, 130 if interrupted."""
    if summary.interrupted:
        checkpoints = f"one every {checkpoint_every} epochs" if checkpoint_every else "none is made"
        text = (
            "interrupted; the cases that finished are kept, the next run does the rest, "
            f"a network from its last checkpoint ({checkpoints})"
        )
        print(text, file=sys.stderr)
        return signals.EXIT_CODE
    if summary.rescued or summary.lost or summary.left:
        print(f"error: {describe_shortfall(summary, results)}", file=sys.stderr)
        return 1
    return int(any(stored.record.run.status != "ok" for stored in records))


def describe_shortfall(summary: RunSummary, results: Path) -> str:
    """Say what became of a run whose results folder could not be written any more."""
    parts = [f"{results} could not be written to"]
    if summary.rescued:
        parts.append(f"what it did not take is in {summary.rescued}: copy that into it")
    if summary.lost:
        parts.append(f"{summary.lost} record(s) are lost")
    if summary.left:
        parts.append(f"{summary.left} case(s) were not begun")
    return "; ".join([*parts, "make room and run again for the rest"])
