"""`python -m bench gradcam`: explain predictions, and measure how faithfully."""

import json
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np

from bench.measure.worker import set_up_jax
from bench.records.trained import Trained, find_trained, load_test, predict
from bench.reporting import summary
from bench.reporting.html.explained import EXPLANATIONS
from bench.reporting.rendering import explanations
from bench.reporting.rendering.console import show_logs, stderr_console, stdout_console
from bench.reporting.rendering.pixels import can_show, draw_row
from fmnist_jax.data.dataset import Dataset
from fmnist_jax.errors import printable
from fmnist_jax.explain.assess import assess
from fmnist_jax.explain.base import METHODS
from fmnist_jax.explain.layers import check_layer
from fmnist_jax.explain.selection import Selection, parse_target
from fmnist_jax.figures.explanations import SheetRow, Triptych, sheet_figure, triptych_figure
from fmnist_jax.figures.style import png
from fmnist_jax.system.cpu import available_cores
from fmnist_jax.system.files import written_whole
from fmnist_jax.system.paths import parse_path

DEFAULT_OUT = Path("gradcam")
MAX_PICTURED = 20  # images in one picture; maps.npz has all


def gradcam(
    model: str,
    selection: Selection,
    *,
    target: str,
    methods: Sequence[str],
    layer: str,
    results: Path,
    out: Path | None,
    format_: Literal["rich", "json"],
) -> None:
    """Explain test images; pictures and maps go to a folder, the tables to stdout.

    Args:
        model: a registered network with convolutions.
        selection: of the images.
        target: the class to explain: predicted, true, or a class's name or number.
        methods: names of `METHODS`; all if empty.
        layer: the feature map to explain.
        results: the results folder, whose newest record with weights counts.
        out: where to write; None is `gradcam/<model>`.
        format_: of what is printed.

    Raises:
        UserError: the model, a method, the layer or an image does not exist; nothing is written.
    """
    errors = stderr_console()
    show_logs(errors)
    for method in methods:
        METHODS.check(method)
    methods = tuple(dict.fromkeys(methods or METHODS.catalogue))
    set_up_jax(cpu_devices=len(available_cores()))
    trained = find_trained(model, results)
    check_layer(trained.network, trained.variables, layer)
    errors.print(f"weights of {printable(trained.stored.path)}", soft_wrap=True)
    data, unexplained = choose(trained, selection, target)
    if data.synthetic:
        errors.print(summary.banner(data.fallback_reason or "the record's own dataset."))
    folder = parse_path(out or DEFAULT_OUT / model)
    began = time.perf_counter()
    with written_whole(folder) as partial:
        assessments = assess(
            trained.network, trained.variables, unexplained.images, unexplained.targets,
            methods, layer,
            lambda name: errors.print(f"{name} of {len(unexplained.images)} images"),
        )  # fmt: skip
        explained = replace(unexplained, assessments=assessments)
        seconds = time.perf_counter() - began
        document = describe(trained, explained, data, layer, folder, seconds)
        write(partial, explained, trained.title, layer)
        (partial / EXPLANATIONS).write_text(document, encoding="utf-8")
    if format_ == "json":
        print(document, end="")
        return
    console = stdout_console()
    if can_show(console):
        console.print(draw_row(explained.overlays(), console.width))
    for table in explanations.tables(explained, trained.title, console.width):
        console.print(table)
    errors.print(f"pictures and maps: {printable(folder)}", soft_wrap=True)


def choose(
    trained: Trained, selection: Selection, target: str
) -> tuple[Dataset, explanations.Explained]:
    """Return the dataset, and the images to explain with what the model says of them."""
    data, test, test_index = load_test(trained.stored)
    proba = predict(trained, test)
    selected = selection.choose(test_index, test.labels, proba)
    labels, proba = test.labels[selected], proba[selected]
    return data, explanations.Explained(
        images=test.images[selected],
        index=test_index[selected],
        labels=labels,
        targets=parse_target(target, labels, proba.argmax(1), data.classes),
        probabilities=proba,
        classes=data.classes,
        assessments=[],
    )


def describe(
    trained: Trained,
    explained: explanations.Explained,
    data: Dataset,
    layer: str,
    folder: Path,
    seconds: float,
) -> str:
    """Return the JSON of what was explained, of which record and data, and how faithfully."""
    document = {
        "record": str(trained.stored.path),
        "run": trained.stored.record.run.id,
        "model": trained.stored.record.case.model,
        "dataset": data.name,
        "dataset_sha256": data.sha256,
        "synthetic": data.synthetic,
        "layer": layer,
        "folder": str(folder),
        "seconds": round(seconds, 2),  # of all maps and scores, compiling included
    }
    document |= explanations.to_json(explained)
    return json.dumps(document, indent=1, allow_nan=False) + "\n"


def write(folder: Path, explained: explanations.Explained, title: str, layer: str) -> None:
    """Write a picture of triptychs per method, the contact sheet, and all maps."""
    methods = [each for each in explained.assessments if each.layer is not None]
    shown = explained.spread(MAX_PICTURED)
    for each in methods:
        triptychs = [
            Triptych(explained.images[n], each.maps[n], explained.caption(n)) for n in shown
        ]
        heading = f"{title}: {each.method}, layer {layer}"
        figure = triptych_figure(triptychs, heading, columns=min(2, len(triptychs)))
        (folder / f"{each.method}.png").write_bytes(png(figure))
    rows = [
        SheetRow(
            explained.images[n],
            np.stack([each.maps[n] for each in methods]),
            explained.caption(n, "\n"),
        )
        for n in shown
    ]
    sheet = sheet_figure(rows, [each.method for each in methods], f"{title}: layer {layer}")
    (folder / "sheet.png").write_bytes(png(sheet))
    np.savez_compressed(
        folder / "maps.npz",
        maps=np.stack([each.maps for each in methods]),
        methods=np.array([each.method for each in methods]),
        index=explained.index,
        label=explained.labels,
        predicted=explained.predicted,
        target=explained.targets,
        probability=explained.probabilities,
    )
