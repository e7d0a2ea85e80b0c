"""Explained images as tables and as JSON."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from rich import box
from rich.table import Table
from rich.text import Text

from fmnist_jax.data.dataset import Images
from fmnist_jax.explain.assess import Assessment
from fmnist_jax.figures.explanations import overlay

MOST_ROWS = 40  # images in the table; the JSON has all
WIDE = 170  # columns that all metrics need; a narrower screen shows those of `FIRST`

# By metric: the heading, and whether more is better, where that can be said.
METRICS: dict[str, tuple[str, bool | None]] = {
    "deletion_zero": ("deletion,\nzero", False),
    "deletion_mean": ("deletion,\nmean", False),
    "deletion_blur": ("deletion,\nblur", False),
    "insertion_zero": ("insertion,\nzero", True),
    "insertion_mean": ("insertion,\nmean", True),
    "insertion_blur": ("insertion,\nblur", True),
    "road_morf": ("ROAD\nMoRF", False),
    "road_lerf": ("ROAD\nLeRF", True),
    "road_combined": ("ROAD\ncombined", True),
    "heat_on_garment": ("heat on\ngarment", None),
    "sanity": ("sanity", False),
    "max_sensitivity": ("max\nsensitivity", False),
}
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


def tables(explained: Explained, title: str, width: int) -> list[Table]:
    """Per image for one method, per class and method, and per method beside the controls.

    Args:
        explained: the images.
        title: of the network.
        width: columns of the screen.
    """
    return [
        _images(explained, title),
        _classes(explained, title),
        _methods(explained, title, METRICS if width >= WIDE else FIRST),
    ]


def _images(explained: Explained, title: str) -> Table:
    first = explained.shown
    table = Table(title=f"{title}: where the heat lies ({first.method})", title_justify="left")
    table.box, table.pad_edge = box.SIMPLE_HEAD, False
    others = bool((explained.targets != explained.predicted).any())
    for heading in ("image", "true", "predicted", "confidence"):
        table.add_column(heading, justify="left" if heading in ("true", "predicted") else "right")
    if others:
        table.add_column("explained")
    for heading in ("on garment", "centre", "peak"):
        table.add_column(heading, justify="right", no_wrap=heading != "on garment")
    for n in explained.spread(MOST_ROWS):
        true, predicted = int(explained.labels[n]), int(explained.predicted[n])
        place = where(first.maps[n])
        table.add_row(
            str(explained.index[n]),
            explained.classes[true],
            Text(explained.classes[predicted], style="" if true == predicted else "red"),
            f"{explained.probabilities[n].max():.1%}",
            *([explained.classes[int(explained.targets[n])]] if others else []),
            _share(first.scores["heat_on_garment"][n]),
            "–" if place is None else f"{place[0][0]:.1f}, {place[0][1]:.1f}",
            "–" if place is None else f"{place[1][0]}, {place[1][1]}",
        )
    missing = len(explained.labels) - MOST_ROWS
    more = f"{missing} more images in --format json; " if missing > 0 else ""
    table.caption = f"{more}centre and peak: row, column of 28"
    table.caption_justify = "left"
    return table


def _classes(explained: Explained, title: str) -> Table:
    table = Table(title=f"{title}: share of the heat on the garment", title_justify="left")
    table.add_column("true class")
    table.add_column("images", justify="right")
    for found in explained.assessments:
        table.add_column(found.method.replace("_", "\n"), justify="right")
    for label, name in enumerate(explained.classes):
        members = explained.labels == label
        if members.any():
            shares = [
                _share(_mean(found.scores["heat_on_garment"][members]))
                for found in explained.assessments
            ]
            table.add_row(name, str(members.sum()), *shares)
    return table


def _methods(explained: Explained, title: str, metrics: Iterable[str]) -> Table:
    table = Table(title=f"{title}: faithfulness, controls below", title_justify="left")
    table.add_column("method", no_wrap=True)
    table.add_column("maps/s", justify="right")
    metrics = tuple(metrics)
    for heading, more in map(METRICS.__getitem__, metrics):
        arrow = {True: " ↑", False: " ↓", None: ""}[more]
        table.add_column(heading + arrow, justify="right", no_wrap=True)
    last_method = [found for found in explained.assessments if found.layer is not None][-1]
    for found in explained.assessments:
        means = found.means()
        cells = ["–" if (mean := means.get(name)) is None else f"{mean:.3f}" for name in metrics]
        speed = "–" if found.maps_per_s is None else f"{found.maps_per_s:,.0f}"
        table.add_row(found.method, speed, *cells, end_section=found is last_method)
    return table


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
