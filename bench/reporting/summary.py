"""Print the closing report of a run."""

import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from bench.records.store import Stored
from bench.reporting.format import seconds
from bench.reporting.frames import records_to_frame
from bench.reporting.progress import name, verdict
from bench.reporting.rendering.formats import render
from bench.reporting.rendering.pixels import can_show, draw_row
from bench.reporting.section import get_sections
from fmnist_jax.errors import printable

# Sections of the report, in this order; those without rows are left out.
SECTIONS = (
    *("accuracy", "explanations", "calibration", "robustness", "roofline"),
    *("time_to_target", "per_class", "grid", "experiments"),
)


def banner(reason: str) -> Panel:
    """Return the warning that nothing here is real."""
    text = Text("SYNTHETIC DATA", style="bold")
    text.append(f": {printable(reason)}\n", style="not bold")
    text.append(
        "The pictures are generated: the timings are real, the accuracies say nothing about "
        "Fashion-MNIST.",
        style="not bold",
    )
    return Panel(text, border_style="bold red", style="red", title="not Fashion-MNIST")


def print_report(console: Console, stored: Sequence[Stored], wall_s: float | None = None) -> None:
    """Print what a run found out: its sections, the machine, the pictures, the failures.

    Args:
        console: to print on.
        stored: the records of the run.
        wall_s: seconds that the run took, if it has just ended.
    """
    frame = records_to_frame([found.record for found in stored])
    for section in get_sections(SECTIONS):
        console.print(render(section, frame, "rich", console.width), end="")
    for one in {found.record.machine.id: found for found in stored}.values():
        _print_machine(console, one)
    finished = [found for found in stored if found.record.run.status == "ok"]
    _print_pictures(console, finished)
    for found in stored:
        if found.record.run.status != "ok":
            line = Text(name(found.record.case), style="bold red")
            line.append(f" {printable(verdict(found.record))}", style="not bold default")
            console.print(line)
    if wall_s is not None:
        console.print(_count(stored, finished, wall_s))


def _count(stored: Sequence[Stored], finished: Sequence[Stored], wall_s: float) -> str:
    interrupted = sum(found.record.run.status == "interrupted" for found in stored)
    failed = len(stored) - len(finished) - interrupted
    others = f", {interrupted} interrupted" if interrupted else ""
    return f"{len(finished)} case(s) finished, {failed} failed{others}, in {seconds(wall_s)}"


def _print_machine(console: Console, stored: Stored) -> None:
    machine, software = stored.record.machine, stored.record.software
    device = machine.accelerator or f"{machine.cpu}, {machine.cores} cores"
    text = f"{machine.id}: {device}; jax {software.jax}, scikit-learn {software.sklearn}"
    console.print(Text(printable(text)))


def _print_pictures(console: Console, finished: Sequence[Stored]) -> None:
    pictured = [
        (found, picture)
        for found in finished
        if (picture := found.artifact("gradcam") or found.artifact("confusion"))
    ]
    folder = None
    for found, picture in pictured:
        if picture.parents[2] != folder:
            folder = picture.parents[2]
            line = f"Pictures and predictions, beside each record in {shorten(folder)}:"
            console.print(Text(printable(line)), soft_wrap=True)
        line = f"  {name(found.record.case):<22} {picture.parent.relative_to(folder)}"
        console.print(Text(printable(line)), soft_wrap=True)
        if can_show(console) and (overlays := found.artifact("overlays")):
            _print_overlays(console, overlays)


def _print_overlays(console: Console, file: Path) -> None:
    """Show Grad-CAM over as many test images as fit; a damaged file is left out."""
    try:
        with np.load(file) as arrays:
            overlays = arrays["overlays"]
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return
    console.print(draw_row(overlays, console.width))
    console.print(
        Text("  Grad-CAM of a right and a wrong prediction of each class, as many as fit")
    )


def shorten(path: Path) -> str:
    """Return the path below the current folder, if it lies there."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
