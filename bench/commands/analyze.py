"""`python -m bench analyze`: measure every part, write its JSON and figures, print a digest."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from bench.records import store
from bench.reporting import summary
from bench.reporting.rendering.console import show_logs, stderr_console, stdout_console
from fmnist_jax.analysis import base
from fmnist_jax.data.dataset import Dataset, Split
from fmnist_jax.data.load import AUTO, load, load_mnist_training
from fmnist_jax.errors import DataError, printable
from fmnist_jax.evaluation.classification import Confusion
from fmnist_jax.figures.style import png
from fmnist_jax.system.files import written_whole
from fmnist_jax.system.paths import parse_path

Format = Literal["rich", "json"]
DEFAULT_OUT = Path("analysis")


def analyze(
    dataset: str | None,
    results: Path,
    *,
    data_dir: Path | None,
    out: Path | None,
    only: Sequence[str],
    format_: Format,
) -> None:
    """Analyse `dataset`; stdout carries the digest or the JSON, stderr the progress.

    Args:
        dataset: its registered name; None is auto.
        results: the results folder, whose records the predictions are checked against.
        data_dir: folder with the official files.
        out: folder for one JSON and the figures per part; None is `analysis/<dataset>`.
        only: names or numbers of parts; all that run by default if empty.
        format_: of what is printed.

    Raises:
        UserError: nothing can be analysed or written, in one line; nothing is left behind.
    """
    errors = stderr_console()
    show_logs(errors)
    parts = base.select(only)
    data = load(dataset or AUTO, data_dir)
    reason = data.fallback_reason or "requested by name."
    if data.synthetic:
        errors.print(summary.banner(reason))
    context = base.Context(data, find_mnist(parts, data, data_dir), read_confusions(results, data))
    folder = parse_path(out or DEFAULT_OUT / data.name)
    with written_whole(folder) as partial, show_progress(parts, errors) as on_part:
        results_of_parts, documents = [], []
        for part in base.analyze(context, parts, on_part):
            results_of_parts.append(part)
            documents.append(write_part(partial, part, context))
    if format_ == "json":
        print(json.dumps({"dataset": describe(data), "parts": documents}, indent=1))
        return
    console = stdout_console()
    if data.synthetic:
        console.print(summary.banner(reason))
    for part in results_of_parts:
        console.print(digest(part))
    errors.print(f"figures and JSON: {printable(folder)}", soft_wrap=True)


def find_mnist(
    parts: Sequence[type[base.Part]], data: Dataset, data_dir: Path | None
) -> Split | str:
    """Return MNIST's training set if a part compares with it, else why it is missing."""
    if "mnist" not in {part.name for part in parts}:
        return "the comparison was not requested"
    if data.name == "mnist":
        return "the dataset is MNIST itself"
    try:
        return load_mnist_training(data_dir)
    except DataError as error:
        return str(error)


def read_confusions(results: Path, data: Dataset) -> dict[str, Confusion]:
    """Return the test confusions of this dataset by model, summed over the records.

    Records of models trained on fewer images, by a recipe, and of grid points are left out.
    """
    confusions: dict[str, Confusion] = {}
    sha256 = data.sha256
    for stored in store.read(results):
        case, confusion = stored.record.case, stored.record.quality.confusion
        limited = case.config.get("data", {}).get("train_images") is not None
        if confusion is None or limited or case.is_variant or case.dataset_sha256 != sha256:
            continue
        if stored.record.run.status == "ok":
            counts = np.asarray(confusion, np.int64)
            confusions[case.model] = confusions.get(case.model, 0) + counts
    return confusions


def describe(data: Dataset) -> dict[str, Any]:
    """Return the dataset's identity, for each JSON."""
    return {"name": data.name, "sha256": data.sha256, "synthetic": data.synthetic}


def write_part(folder: Path, part: base.Part, context: base.Context) -> dict[str, Any]:
    """Write the JSON and the figures of a part; return the JSON's content."""
    stem = f"{part.number:02d}_{part.name}"
    names = []
    for name, figure in part.figures(context).items():
        names.append(f"{stem}_{name}.png")
        (folder / names[-1]).write_bytes(png(figure))
    document = {
        "part": part.name,
        "number": part.number,
        "title": part.title,
        "dataset": describe(context.dataset),
        "figures": names,
        "digest": [list(line) for line in part.digest()],
        "result": json.loads(part.model_dump_json()),
    }
    (folder / f"{stem}.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return document


def digest(part: base.Part) -> Table:
    """Make a table of a part's main results."""
    table = Table(
        title=f"{part.number}  {part.title}",
        title_justify="left",
        title_style="bold",
        show_header=False,
        box=None,
        padding=(0, 2, 0, 0),
    )
    table.add_column(style="cyan", no_wrap=True, min_width=18)
    table.add_column(overflow="fold")
    for name, text in part.digest():
        table.add_row(Text(name), Text(text))
    return table


@contextmanager
def show_progress(
    parts: Sequence[type[base.Part]], console: Console
) -> Iterator[Callable[[type[base.Part]], None]]:
    """Yield a function to call as each part begins; it shows the progress and the time left."""
    total = sum(part.expected_s for part in parts)
    started_parts: list[type[base.Part]] = []
    started = time.monotonic()

    def share() -> float:
        return sum(part.expected_s for part in started_parts[:-1])

    if not console.is_terminal:

        def print_line(part: type[base.Part]) -> None:
            started_parts.append(part)
            speed = share() / (time.monotonic() - started) if len(started_parts) > 1 else 1.0
            left = (total - share()) / speed
            console.print(f"{len(started_parts)}/{len(parts)} {part.name}, about {left:.0f} s left")

        yield print_line
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, speed_estimate_period=600) as bars:
        bar = bars.add_task("", total=total)

        def move_bar(part: type[base.Part]) -> None:
            started_parts.append(part)
            bars.update(bar, completed=share(), description=f"{part.number} {part.title}")

        yield move_bar
