"""The closing report of a run, for a terminal."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.panel import Panel
from rich.table import Table as RichTable

from bench.records.store import Stored
from bench.reporting import metrics
from bench.reporting.progress import name, verdict
from bench.reporting.sections import accuracy as table
from bench.reporting.sections import grid
from bench.reporting.sections import roofline as limits
from fmnist_jax.evaluation.classification import class_report, most_confused


def banner(reason: str) -> Panel:
    """The warning that nothing here is real."""
    return Panel(
        f"[bold]SYNTHETIC DATA[/bold]: {reason}\n"
        "The pictures are generated: the timings are real, the accuracies say nothing about "
        "Fashion-MNIST.",
        border_style="bold red",
        style="red",
        title="not Fashion-MNIST",
    )


def closing(
    console: Console, stored: Sequence[Stored], classes: Sequence[str], wall_s: float | None = None
) -> None:
    """Everything a run found out: the table, the best model by class, failures, pictures.

    Args:
        console: to print on.
        stored: the records of the run.
        classes: names by label.
        wall_s: seconds that the run took, if it has just ended.
    """
    finished = [found for found in stored if found.record.run.status == "ok"]
    for made in table.tables(found.record for found in finished):
        console.print(table.rich(made, console.width))
        if networks := limits.rows([made]):
            console.print(limits.rich(networks))
    for summary in grid.summaries(found.record for found in stored):
        console.print(grid.rich(summary))
    if finished:
        best = max(finished, key=lambda found: found.record.quality.validation_accuracy or 0.0)
        console.print(by_class(best, classes))
        _confusions(console, best, classes)
    for one in {found.record.machine.id: found for found in stored}.values():
        _machine(console, one)
    _pictures(console, finished)
    for found in stored:
        if found.record.run.status != "ok":
            console.print(f"[bold red]{name(found.record.case)}[/] {verdict(found.record)}")
    stopped = sum(found.record.run.status == "interrupted" for found in stored)
    failed = len(stored) - len(finished) - stopped
    if wall_s is not None:
        console.print(
            f"{len(finished)} case(s) finished, {failed} failed"
            + (f", {stopped} interrupted" if stopped else "")
            + f", in {metrics.seconds(wall_s)}"
        )


def by_class(best: Stored, classes: Sequence[str]) -> RichTable:
    """Precision, recall and F1 per class of one record."""
    confusion = np.asarray(best.record.quality.confusion)
    report = class_report(confusion)
    made = RichTable(
        title=f"{best.record.case.model} by class (the best on validation data)", title_style="bold"
    )
    made.add_column("class")
    for heading in ("precision", "recall", "F1", "images"):
        made.add_column(heading, justify="right")
    columns = (report.precision, report.recall, report.f1)
    for label, title in enumerate(classes):
        figures = [f"{column[label]:.3f}" for column in columns]
        made.add_row(
            title, *figures, f"{report.support[label]:,}", end_section=title == classes[-1]
        )
    weights = report.support / report.support.sum()
    made.add_row("macro average", *(f"{column.mean():.3f}" for column in columns), "")
    made.add_row("weighted average", *(f"{column @ weights:.3f}" for column in columns), "")
    return made


def _confusions(console: Console, best: Stored, classes: Sequence[str]) -> None:
    confused = most_confused(np.asarray(best.record.quality.confusion), 3)
    pairs = [f"{classes[true]} for {classes[taken]} {images}x" for true, taken, images in confused]
    if pairs:
        console.print(f"Most confused by {best.record.case.model}: {', '.join(pairs)}")


def _machine(console: Console, any_of_them: Stored) -> None:
    machine, software = any_of_them.record.machine, any_of_them.record.software
    device = machine.accelerator or f"{machine.cpu}, {machine.cores} cores"
    console.print(f"{machine.id}: {device}; jax {software.jax}, scikit-learn {software.sklearn}")


def _pictures(console: Console, finished: Sequence[Stored]) -> None:
    pictured = [
        (found, picture)
        for found in finished
        if (picture := found.artifact("gradcam") or found.artifact("confusion"))
    ]
    if pictured:
        console.print("Pictures beside each record (learning curves and Grad-CAM for networks):")
    for found, picture in pictured:
        console.print(f"  {name(found.record.case):<22} {_short(picture.parent)}", soft_wrap=True)


def _short(path: Path) -> str:
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
