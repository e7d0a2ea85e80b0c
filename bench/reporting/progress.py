"""What a person sees while cases run: live bars on a terminal, plain lines in a log."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Task as Bar
from rich.text import Text

from bench.measure import messages as job
from bench.plan.cases import expected_cost
from bench.records.schema import Case, Record
from bench.reporting.format import percentage, seconds
from bench.reporting.sections.grid import describe_point
from fmnist_jax.errors import printable

Mode = Literal["auto", "plain", "none"]
LOCKED_ELSEWHERE = "being run by another process; skipped"
FINISHED_ELSEWHERE = "done by another run"


@contextmanager
def reporter(mode: Mode, console: Console) -> Iterator["_Plain | _Live"]:
    """The observer that fits `mode`; auto is live where `console` is a terminal."""
    if mode == "auto" and console.is_terminal:
        with _bars(console) as progress:
            yield _Live(progress)
    else:
        yield _Plain(silent=mode == "none")


def name(case: Case) -> str:
    """A case in a word: its model, its seed beyond the first, its place in a grid."""
    word = f"{case.model}#{case.seed}" if case.seed else case.model
    return f"{word} {describe_point(case.point)}" if case.point else word


def numbers(progress: job.Progress) -> str:
    """Validation loss and accuracy, and speed, as far as they are known."""
    parts = []
    if progress.loss is not None:
        parts.append(f"val loss {progress.loss:.4f}")
    if progress.accuracy is not None:
        parts.append(f"val acc {progress.accuracy:.4f}")
    if progress.images_per_s is not None:
        parts.append(f"{progress.images_per_s:,.0f} img/s")
    return "  ".join(parts)


def verdict(record: Record) -> str:
    """How a case ended, in a line."""
    if record.run.status != "ok":
        return f"{record.run.status}: {record.run.error}"
    accuracy = percentage(record.quality.test_accuracy or 0.0)
    return f"test accuracy {accuracy} in {seconds(record.time.total_s or 0.0)}"


class _Plain:
    """A line when something changes."""

    def __init__(self, silent: bool) -> None:
        self._silent = silent
        self._left = 0

    def _say(self, case: Case, text: str) -> None:
        if not self._silent:
            line = f"{time.strftime('%H:%M:%S')}  {name(case):<22} {printable(text)}"
            print(line, file=sys.stderr, flush=True)

    def begin(self, cases: Sequence[Case]) -> None:
        self._left = len(cases)

    def started(self, task: job.Task) -> None:
        others = f", with {len(task.beside)} more seed(s)" if task.beside else ""
        self._say(task.case, f"starts on {len(task.cores)} core(s){others}")

    def progress(self, task: job.Task, progress: job.Progress) -> None:
        if progress.message:
            self._say(task.case, progress.message)
        elif progress.epoch:
            of = f"epoch {progress.epoch}/{progress.epochs}"
            self._say(task.case, f"{of}  {numbers(progress)}")
        elif not task.case.point:  # a grid has many short cases
            self._say(task.case, f"{progress.phase} ...")

    def finished(self, record: Record, again: bool) -> None:
        self._left -= not again
        rest = "another attempt follows" if again else f"{self._left} to go"
        self._say(record.case, f"{verdict(record)} ({rest})")

    def locked_elsewhere(self, case: Case) -> None:
        self._say(case, LOCKED_ELSEWHERE)

    def finished_elsewhere(self, record: Record) -> None:
        self._left -= 1
        self._say(record.case, f"{FINISHED_ELSEWHERE} ({self._left} to go)")


class _Eta(TimeRemainingColumn):
    """Time remaining, left out for a case that cannot know."""

    def render(self, task: Bar) -> Text:
        return super().render(task) if task.total else Text("")


class _Live:
    """A bar for the whole run, weighed by expected cost, and one per case at work."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._bars: dict[str, TaskID] = {}
        self._overall = progress.add_task("all cases", total=1, info="")
        self._count = 0
        self._done = 0
        self._cost_done = 0.0
        self._cost_begun: dict[str, float] = {}  # of the cases at work, by the share they have done

    def begin(self, cases: Sequence[Case]) -> None:
        self._count = len(cases)
        total = sum(expected_cost(case) for case in cases)
        self._progress.update(self._overall, total=total, info=f"0/{self._count}")

    def started(self, task: job.Task) -> None:
        self._bars[task.run_id] = self._progress.add_task(
            name(task.case), total=None, info="starts"
        )

    def progress(self, task: job.Task, progress: job.Progress) -> None:
        if progress.message:
            message = printable(progress.message)
            self._progress.console.log(Text(f"{name(task.case)}: {message}"))
            return
        bar = self._bars[task.run_id]
        if progress.epochs is None:
            self._progress.update(bar, info=progress.phase)
            return
        info = f"{progress.epoch}/{progress.epochs}  {numbers(progress)}"
        done = progress.epoch or 0
        self._progress.update(bar, total=progress.epochs, completed=done, info=info)
        self._cost_begun[task.run_id] = expected_cost(task.case) * done / progress.epochs
        self._move_overall()

    def _move_overall(self) -> None:
        self._progress.update(
            self._overall,
            completed=self._cost_done + sum(self._cost_begun.values()),
            info=f"{self._done}/{self._count}",
        )

    def finished(self, record: Record, again: bool) -> None:
        self._progress.remove_task(self._bars.pop(record.run.id))
        self._cost_begun.pop(record.run.id, None)
        if not again:
            self._count_in(record.case)
        style = "green" if record.run.status == "ok" else "bold red"
        self._print(record.case, verdict(record) + "; another attempt follows" * again, style)

    def locked_elsewhere(self, case: Case) -> None:
        self._print(case, LOCKED_ELSEWHERE, "")

    def finished_elsewhere(self, record: Record) -> None:
        self._count_in(record.case)
        self._print(record.case, FINISHED_ELSEWHERE, "green")

    def _count_in(self, case: Case) -> None:
        self._done += 1
        self._cost_done += expected_cost(case)
        self._move_overall()

    def _print(self, case: Case, text: str, style: str) -> None:
        self._progress.console.print(Text(f"{name(case):<22} {printable(text)}", style=style))


@contextmanager
def _bars(console: Console) -> Iterator[Progress]:
    columns: list[ProgressColumn] = [
        TextColumn("{task.description}", style="bold"),
        BarColumn(bar_width=None),
        TextColumn("{task.fields[info]}"),
        TimeElapsedColumn(),
        _Eta(compact=True),
    ]
    # Epochs last seconds to minutes: the speed must be averaged over several.
    with Progress(*columns, console=console, expand=True, speed_estimate_period=600) as progress:
        yield progress
