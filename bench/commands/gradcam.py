"""`python -m bench gradcam`: explain predictions, and measure how faithfully."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import jax
import numpy as np
import numpy.typing as npt

from bench.measure.worker import set_up_jax
from bench.records import store
from bench.reporting import explanations, summary
from bench.reporting.html.explained import EXPLANATIONS
from bench.reporting.rendering.console import show_logs, stderr_console, stdout_console
from bench.reporting.rendering.pixels import can_show, draw_row
from fmnist_jax.data.dataset import Dataset, Split
from fmnist_jax.data.load import load
from fmnist_jax.data.splits import make_splits
from fmnist_jax.errors import DataError, UserError, nearest, printable
from fmnist_jax.explain.assess import assess
from fmnist_jax.explain.base import METHODS
from fmnist_jax.explain.layers import (
    ONE_IMAGE,
    Variables,
    check_layer,
    feature_maps,
    predict_logits,
)
from fmnist_jax.explain.selection import Selection, parse_target
from fmnist_jax.figures.explanations import SheetRow, Triptych, sheet_figure, triptych_figure
from fmnist_jax.figures.style import png
from fmnist_jax.learner import LEARNERS, resolve
from fmnist_jax.nn.network import Network
from fmnist_jax.system.cpu import available_cores
from fmnist_jax.system.files import written_whole
from fmnist_jax.system.paths import parse_path
from fmnist_jax.training import weights
from fmnist_jax.training.learner import FlaxConfig

DEFAULT_OUT = Path("gradcam")
MAX_PICTURED = 20  # images in one picture; maps.npz has all

_BATCH = 250


@dataclass(frozen=True)
class Trained:
    """A network with the weights of a record."""

    stored: store.Stored
    network: Network
    variables: Variables

    @property
    def title(self) -> str:
        """The model, marked where it was trained on generated pictures."""
        case = self.stored.record.case
        return f"{case.model} (SYNTHETIC DATA)" if case.synthetic else case.model


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
    data, test, test_index = load_test(trained.stored)
    if data.synthetic:
        errors.print(summary.banner(data.fallback_reason or "the record's own dataset."))
    proba = predict(trained, test)
    selected = selection.choose(test_index, test.labels, proba)
    labels, proba = test.labels[selected], proba[selected]
    targets = parse_target(target, labels, proba.argmax(1), data.classes)
    folder = parse_path(out or DEFAULT_OUT / model)
    began = time.perf_counter()
    with written_whole(folder) as partial:
        assessments = assess(
            trained.network,
            trained.variables,
            test.images[selected],
            targets,
            methods,
            layer,
            lambda name: errors.print(f"{name} of {len(selected)} images"),
        )
        explained = explanations.Explained(
            images=test.images[selected],
            index=test_index[selected],
            labels=labels,
            targets=targets,
            probabilities=proba,
            classes=data.classes,
            assessments=assessments,
        )
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


def find_trained(model: str, results: Path) -> Trained:
    """Return the network of the newest finished record of `model` that still has its weights.

    Raises:
        UserError: `model` is no network with convolutions, or no such record is there.
    """
    LEARNERS.check(model)
    if not _has_feature_maps(model):
        raise UserError(
            f"{model} has no feature maps to explain: "
            f"{nearest('', filter(_has_feature_maps, LEARNERS.catalogue))}"
        )
    newest = [
        stored
        for stored in store.read(results, f"*/*/{model}/*.json")
        if stored.record.run.status == "ok" and stored.artifact("weights")
    ]
    if not newest:
        raise UserError(
            f"no record of {model} in {results} has its weights beside it (they are not kept "
            f"in git): python -m bench run {model} --fresh trains it"
        )
    path = newest[-1].artifact("weights")
    assert path is not None
    config = resolve(model, newest[-1].record.case.config["model"])
    assert isinstance(config, FlaxConfig)
    return Trained(newest[-1], config.network("float32"), weights.load(path))


def load_test(stored: store.Stored) -> tuple[Dataset, Split, npt.NDArray[np.int64]]:
    """Return the dataset of a record, the part of the test set that it used, and its positions.

    Raises:
        DataError: the dataset cannot be had, or is another than the record's.
    """
    case = stored.record.case
    data = load(case.dataset)
    if data.sha256 != case.dataset_sha256:
        raise DataError(f"the dataset {data.name} is not the one that {stored.path} was made with")
    sizes = dict(case.config["data"])
    splits = make_splits(data, sizes.pop("split_seed"), **sizes)
    return data, splits.test, splits.test_index


def predict(trained: Trained, test: Split) -> npt.NDArray[np.float32]:
    """Return the network's probabilities, float32 [n, classes]."""
    forward = jax.jit(lambda v, x: jax.nn.softmax(predict_logits(trained.network, v, x)))
    pixels = test.images[..., None].astype(np.float32) / 255
    missing = -len(pixels) % _BATCH
    padded = np.pad(pixels, ((0, missing), (0, 0), (0, 0), (0, 0)))
    parts = [
        np.asarray(forward(trained.variables, padded[at : at + _BATCH]))
        for at in range(0, len(padded), _BATCH)
    ]
    return np.concatenate(parts)[: len(pixels)]


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


def _has_feature_maps(model: str) -> bool:
    """Return whether a registered model is a network with convolutions."""
    config = LEARNERS[model]()
    if not isinstance(config, FlaxConfig):
        return False
    network = config.network("float32")
    return bool(feature_maps(network, jax.eval_shape(network.init, jax.random.key(0), ONE_IMAGE)))
