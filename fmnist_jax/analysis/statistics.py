"""Part 2: how bright the pixels are, over all and by class."""

from typing import ClassVar, Self

import numpy as np
from pydantic import BaseModel, Field

from fmnist_jax.analysis.base import PARTS, Context, Digest, Figures, Part
from fmnist_jax.data.dataset import Images
from fmnist_jax.figures import panels


class PixelStatistics(BaseModel, frozen=True):
    """Of pixels in 0..255; the standard deviation is that of the population."""

    mean: float
    std: float
    min: int
    max: int
    median: float


@PARTS.register("statistics")
class Statistics(Part):
    """Mean, deviation, range and median of the pixels, and the brightness of each class."""

    name: ClassVar[str] = "statistics"
    number: ClassVar[int] = 2
    title: ClassVar[str] = "Pixel statistics (training set)"

    pixels: PixelStatistics
    zero_share: float
    by_class: dict[str, PixelStatistics]
    histogram: list[int] = Field(description="pixels of each value, 0 to 255")

    @classmethod
    def measure(cls, context: Context) -> Self:
        """Count the 256 values; everything else follows exactly from the counts."""
        train = context.train
        histograms = [
            pixel_histogram(train.images[train.labels == label])
            for label in range(len(context.classes))
        ]
        total = np.sum(histograms, 0)
        return cls(
            pixels=describe(total),
            zero_share=float(total[0] / total.sum()),
            by_class={
                name: describe(counts)
                for name, counts in zip(context.classes, histograms, strict=True)
            },
            histogram=total.tolist(),
        )

    def figures(self, context: Context) -> Figures:
        """The histogram of all pixels and the brightness of each class."""
        histogram, axes = panels.new(context.title("Pixel values of the training set"))
        panels.draw_histogram(axes, self.histogram)
        boxes, axes = panels.new(context.title("Brightness of the training images by class"))
        labels = context.train.labels
        panels.draw_boxes(
            axes,
            context.classes,
            [context.brightness[labels == label] for label in range(len(context.classes))],
            "mean pixel of an image",
        )
        return {"histogram": histogram, "brightness": boxes}

    def digest(self) -> Digest:
        """The global figures, and the darkest and brightest class."""
        pixels = self.pixels
        order = sorted(self.by_class, key=lambda name: self.by_class[name].mean)
        darkest, brightest = order[0], order[-1]
        return [
            ("mean, std", f"{pixels.mean:.2f}, {pixels.std:.2f}"),
            ("median", f"{pixels.median:g} ({self.zero_share:.1%} of the pixels are 0)"),
            ("range", f"{pixels.min} to {pixels.max}"),
            ("darkest class", f"{darkest} ({self.by_class[darkest].mean:.1f})"),
            ("brightest class", f"{brightest} ({self.by_class[brightest].mean:.1f})"),
        ]


def pixel_histogram(images: Images) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """How many pixels have each value, int64 [256]."""
    return np.bincount(images.ravel(), minlength=256)


def describe(histogram: np.ndarray[tuple[int], np.dtype[np.int64]]) -> PixelStatistics:
    """The statistics of the pixels that `histogram`, int64 [256], counts."""
    values = np.arange(256)
    count = int(histogram.sum())
    mean = float(values @ histogram / count)
    present = np.flatnonzero(histogram)
    cumulative = np.cumsum(histogram)
    middle = np.searchsorted(cumulative, [(count - 1) // 2 + 1, count // 2 + 1])
    return PixelStatistics(
        mean=mean,
        std=float(np.sqrt((values - mean) ** 2 @ histogram / count)),
        min=int(present[0]),
        max=int(present[-1]),
        median=float(middle.mean()),
    )
