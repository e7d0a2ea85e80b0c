"""Explained images as tables and as JSON."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from rich.console import Group

from bench.reporting.rendering.terminal import draw
from bench.reporting.rendering.text_table import TextTable
from bench.reporting.section import Column
from fmnist_jax.data.dataset import Images
from fmnist_jax.errors import printable
from fmnist_jax.explain.assess import Assessment
from fmnist_jax.figures.explanations import overlay

MOST_ROWS = 40  # images in the table; the JSON has all

# By metric: the heading, and whether more is better, where that can be said.
METRICS: dict[str, tuple[str, bool | None]] = {
    "deletion_zero": ("deletion, zero", False),
    "deletion_mean": ("deletion, mean", False),
    "deletion_blur": ("deletion, blur", False),
    "insertion_zero": ("insertion, zero", True),
    "insertion_mean": ("insertion, mean", True),
    "insertion_blur": ("insertion, blur", True),
    "road_morf": ("ROAD MoRF", False),
    "road_lerf": ("ROAD LeRF", True),
    "road_combined": ("ROAD combined", True),
    "heat_on_garment": ("heat on garment", None),
    "sanity": ("sanity", False),
    "max_sensitivity": ("max sensitivity", False),
}
# Those that stay longest where a screen is narrow, the most important first.
FIRST = ("deletion_blur", "insertion_blur", "road_combined", "heat_on_garment", "sanity")


@dataclass(frozen=True)
class Explained:
    """Images with what a network says of them and where it looks.

    Attributes:
        images: uint8 [n, 28, 28].
        index: published positions in the test set, integers [n].
        labels: true classes, integers [n].
        targets: explained classes, integers [n].
        probabilities: float32 [n, classes].
        classes: names by label.
        assessments: methods, then controls.
    """

    images: Images
    index: npt.NDArray[np.integer]
    labels: npt.NDArray[np.integer]
    targets: npt.NDArray[np.integer]
    probabilities: npt.NDArray[np.float32]
    classes: Sequence[str]
    assessments: Sequence[Assessment]

    @property
    def predicted(self) -> npt.NDArray[np.int64]:
        """The most probable class of each image, int64 [n]."""
        return self.probabilities.argmax(1)

    @property
    def shown(self) -> Assessment:
        """The method of pictures and tables with room for one: Grad-CAM, or else the first."""
        found = (one for one in self.assessments if one.method == "gradcam")
        return next(found, self.assessments[0])

    def overlays(self) -> npt.NDArray[np.uint8]:
        """Heat maps over their images, as colours: uint8 [n, 28, 28, 3]."""
        return np.stack(list(map(overlay, self.images, self.shown.maps)))

    def spread(self, most: int) -> list[int]:
        """At most `most` of the images, spread evenly over all of them."""
        count = len(self.labels)
        return np.linspace(0, count - 1, min(count, most)).round().astype(int).tolist()

    def caption(self, n: int, separator: str = ", ") -> str:
        """True and predicted class, confidence and number of image `n`."""
        true, predicted = self.labels[n], self.predicted[n]
        name = self.classes[true]
        if predicted != true:
            name += f"{separator}taken for {self.classes[predicted]}"
        if self.targets[n] != predicted:
            name += f"{separator}explained: {self.classes[self.targets[n]]}"
        mark = "✓" if predicted == true else "✗"
        confidence = f"{self.probabilities[n].max():.0%}"
        return f"{mark} {name}{separator}{confidence} (image {self.index[n]})"


def where(heatmap: npt.NDArray[np.float32]) -> tuple[tuple[float, float], tuple[int, int]] | None:
    """The centre of gravity and the hottest pixel of a map, as (row, column); None without heat."""
    total = float(heatmap.sum())
    if total <= 0:
        return None
    rows, columns = np.indices(heatmap.shape)
    centre = (float((rows * heatmap).sum()) / total, float((columns * heatmap).sum()) / total)
    row, column = np.unravel_index(heatmap.argmax(), heatmap.shape)
    return centre, (int(row), int(column))


def tables(explained: Explained, title: str, width: int) -> list[Group]:
    """Per image for one method, per class and method, and per method beside the controls.

    Args:
        explained: the images.
        title: of the network.
        width: columns of the screen; what does not fit is left out, and named.
    """
    made = _images(explained, title), _classes(explained, title), _methods(explained, title)
    return [draw(table, width) for table in made]


def _table(title: str, columns: Iterable[Column], lines: list[list[str]], *notes: str) -> TextTable:
    cells = [[printable(cell) for cell in line] for line in lines]
    return TextTable(
        printable(title), tuple(columns), cells, frozenset(), notes, pd.DataFrame(), False
    )


def _images(explained: Explained, title: str) -> TextTable:
    first, classes = explained.shown, explained.classes
    others = bool((explained.targets != explained.predicted).any())
    columns = [
        Column("image", "index"),
        Column("true", "true", align="left"),
        Column("predicted", "predicted", align="left"),
        Column("confidence", "confidence", priority=2),
        *([Column("explained", "target", align="left", priority=1)] if others else []),
        Column("on garment", "heat_on_garment"),
        Column("centre", "centre", priority=3),
        Column("peak", "peak", priority=4),
    ]
    lines = []
    for n in explained.spread(MOST_ROWS):
        place = where(first.maps[n])
        lines.append(
            [
                str(explained.index[n]),
                classes[int(explained.labels[n])],
                classes[int(explained.predicted[n])],
                f"{explained.probabilities[n].max():.1%}",
                *([classes[int(explained.targets[n])]] if others else []),
                _share(first.scores["heat_on_garment"][n]),
                "–" if place is None else f"{place[0][0]:.1f}, {place[0][1]:.1f}",
                "–" if place is None else f"{place[1][0]}, {place[1][1]}",
            ]
        )
    missing = len(explained.labels) - MOST_ROWS
    more = f"{missing} more images in --format json; " if missing > 0 else ""
    return _table(
        f"{title}: where the heat lies ({first.method})", columns, lines,
        f"{more}centre and peak: row, column of 28",
    )  # fmt: skip


def _classes(explained: Explained, title: str) -> TextTable:
    columns = [Column("true class", "class", align="left"), Column("images", "images")]
    for place, found in enumerate(explained.assessments):
        columns.append(Column(found.method.replace("_", " "), found.method, priority=place))
    lines = []
    for label, name in enumerate(explained.classes):
        members = explained.labels == label
        if members.any():
            shares = [
                _share(_mean(found.scores["heat_on_garment"][members]))
                for found in explained.assessments
            ]
            lines.append([name, str(members.sum()), *shares])
    return _table(f"{title}: share of the heat on the garment", columns, lines)


def _methods(explained: Explained, title: str) -> TextTable:
    columns = [Column("method", "method", align="left"), Column("maps/s", "maps_per_s")]
    for place, (name, (heading, more)) in enumerate(METRICS.items()):
        arrow = {True: " ↑", False: " ↓", None: ""}[more]
        priority = FIRST.index(name) if name in FIRST else 7 + place
        columns.append(Column(heading + arrow, name, priority=priority))
    lines = []
    for found in explained.assessments:
        means = found.means()
        cells = ["–" if (mean := means.get(name)) is None else f"{mean:.3f}" for name in METRICS]
        speed = "–" if found.maps_per_s is None else f"{found.maps_per_s:,.0f}"
        lines.append([found.method, speed, *cells])
    return _table(f"{title}: faithfulness, controls below", columns, lines)


def to_json(explained: Explained) -> dict[str, Any]:
    """All of it, for programs: images, and the means by method and by class; no map."""
    images = []
    for n in range(len(explained.labels)):
        heat = {}
        for found in explained.assessments:
            place = where(found.maps[n])
            heat[found.method] = {
                "on_garment": _number(found.scores["heat_on_garment"][n]),
                "centre": place and list(place[0]),
                "peak": place and list(place[1]),
            }
        images.append(
            {
                "index": int(explained.index[n]),
                "true": explained.classes[int(explained.labels[n])],
                "predicted": explained.classes[int(explained.predicted[n])],
                "explained": explained.classes[int(explained.targets[n])],
                "confidence": float(explained.probabilities[n].max()),
                "heat": heat,
            }
        )
    return {
        "images": images,
        "methods": [
            {
                "method": found.method,
                "control": found.layer is None,
                "maps_per_s": found.maps_per_s,
                "faithfulness": found.means(),
                "heat_on_garment_by_class": {
                    name: _number(_mean(found.scores["heat_on_garment"][explained.labels == label]))
                    for label, name in enumerate(explained.classes)
                },
            }
            for found in explained.assessments
        ],
    }


def _mean(values: npt.NDArray[np.float32]) -> float:
    """The mean of what is defined; nan where nothing is."""
    return float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _share(value: float) -> str:
    return f"{value:.0%}" if np.isfinite(value) else "–"
