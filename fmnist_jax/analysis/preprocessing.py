"""Part 7: what scaling, brightness and contrast do, and which augmentations fit the data."""

from collections.abc import Callable
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, Field

from fmnist_jax.analysis.base import PARTS, Context, Digest, Figures, Part
from fmnist_jax.data.dataset import Images
from fmnist_jax.figures import galleries

SHIFTS = (-60, -30, 30, 60)  # of brightness, in pixel values
FACTORS = (0.5, 0.75, 1.5, 2.0)  # of contrast, around the middle grey
MIDDLE = 127.5
FLIP_SIMILARITY = 0.9  # mirrored means above it look like the class itself
SHOWN = (0, 5, 8)  # the labels whose first images are shown

Floats = npt.NDArray[np.float32]


class Range(BaseModel, frozen=True):
    """The range, mean and deviation of scaled pixels."""

    min: float
    max: float
    mean: float
    std: float


class Advice(BaseModel, frozen=True):
    """An augmentation, what was measured for it, and what follows."""

    augmentation: str
    measured: str
    advice: str


@PARTS.register("preprocessing")
class Preprocessing(Part):
    """Four normalisations, brightness and contrast without overflow, augmentations."""

    name: ClassVar[str] = "preprocessing"
    number: ClassVar[int] = 7
    title: ClassVar[str] = "Preprocessing"
    expected_s: ClassVar[float] = 3.5

    normalisations: dict[str, Range] = Field(description="of all training pixels")
    clipped: dict[str, float] = Field(
        description="share of training pixels that leave 0..255 and are clipped; uint8 "
        "arithmetic would wrap them around"
    )
    mirror_similarity: dict[str, float] = Field(
        description="cosine of each class's mean image and its mirror image"
    )
    median_margin: dict[str, float] = Field(description="empty rows or columns at each side")
    brightness_variation: float = Field(
        description="standard deviation over mean of the brightness within a class, averaged"
    )
    suggestions: list[Advice]

    @classmethod
    def measure(cls, context: Context) -> Self:
        """Scale, clip and count; derive the advice from what is measured."""
        images = context.train.images
        mirrored = {
            name: cosine(mean, mean[:, ::-1])
            for name, mean in zip(context.classes, context.centroids, strict=True)
        }
        margins = {side: float(np.median(values)) for side, values in empty_margins(images).items()}
        labels = context.train.labels
        within = [context.brightness[labels == label] for label in range(len(context.classes))]
        variation = float(np.mean([values.std() / max(values.mean(), 1e-9) for values in within]))
        return cls(
            normalisations={
                name: describe(images, scale) for name, scale in normalisations(images).items()
            },
            clipped=clipped_shares(images),
            mirror_similarity=mirrored,
            median_margin=margins,
            brightness_variation=variation,
            suggestions=advise(mirrored, margins, variation),
        )

    def figures(self, context: Context) -> Figures:
        """The normalisations side by side, and brightness and contrast by steps."""
        images = context.train.images
        firsts = [int(np.flatnonzero(context.train.labels == label)[0]) for label in SHOWN]
        chosen = images[firsts]
        scaled = {name: scale(chosen) for name, scale in normalisations(images).items()}
        spans = [f"{name}\n{r.min:.2f} to {r.max:.2f}" for name, r in self.normalisations.items()]
        bright = [shift_brightness(chosen, shift) for shift in SHIFTS]
        contrast = [scale_contrast(chosen, factor) for factor in FACTORS]
        rows = [context.classes[label] for label in SHOWN]
        return {
            "normalisations": galleries.draw_grid(
                np.stack([stretch(values) for values in scaled.values()], 1),
                context.title("Four normalisations, each on the range of its column"),
                rows=rows,
                columns=spans,
            ),
            "brightness": galleries.draw_grid(
                np.stack([*bright[:2], chosen, *bright[2:]], 1),
                context.title("Brightness, clipped to 0..255"),
                rows=rows,
                columns=[
                    *(f"{s:+d}" for s in SHIFTS[:2]),
                    "original",
                    *(f"{s:+d}" for s in SHIFTS[2:]),
                ],
            ),
            "contrast": galleries.draw_grid(
                np.stack([*contrast[:2], chosen, *contrast[2:]], 1),
                context.title(f"Contrast around {MIDDLE:g}, clipped to 0..255"),
                rows=rows,
                columns=[
                    *(f"×{f:g}" for f in FACTORS[:2]),
                    "original",
                    *(f"×{f:g}" for f in FACTORS[2:]),
                ],
            ),
        }

    def digest(self) -> Digest:
        """The scaled ranges and the advice."""
        ranges = "; ".join(
            f"{name} {r.min:.2f} to {r.max:.2f}" for name, r in self.normalisations.items()
        )
        lines = [(one.augmentation, f"{one.advice} ({one.measured})") for one in self.suggestions]
        return [("normalisations", ranges), *lines]


def normalisations(images: Images) -> dict[str, Callable[[Images], Floats]]:
    """Four ways to scale images; those that need statistics take them from `images`."""
    mean = np.float32(images.mean(dtype=np.float64))
    std = np.float32(images.std(dtype=np.float64)) or np.float32(1)

    def unit_norm(x: Images) -> Floats:
        flat = x.astype(np.float32)
        norms = np.linalg.norm(flat, axis=(1, 2), keepdims=True)
        return flat / np.maximum(norms, 1)

    return {
        "[0, 1]": lambda x: x.astype(np.float32) / np.float32(255),
        "[-1, 1]": lambda x: x.astype(np.float32) / np.float32(127.5) - np.float32(1),
        "standardised": lambda x: (x.astype(np.float32) - mean) / std,
        "unit L2 norm": unit_norm,
    }


def describe(images: Images, scale: Callable[[Images], Floats], chunk: int = 10_000) -> Range:
    """The range and moments of scaled images, computed a chunk at a time."""
    low, high, total, squares, count = np.inf, -np.inf, 0.0, 0.0, 0
    for start in range(0, len(images), chunk):
        scaled = scale(images[start : start + chunk])
        low, high = min(low, float(scaled.min())), max(high, float(scaled.max()))
        total += float(scaled.sum(dtype=np.float64))
        squares += float(np.square(scaled).sum(dtype=np.float64))
        count += scaled.size
    mean = total / count
    return Range(min=low, max=high, mean=mean, std=max(squares / count - mean**2, 0.0) ** 0.5)


def labelled(steps: list[str]) -> list[str]:
    """The names of four steps with the original in their middle."""
    return [*steps[:2], "original", *steps[2:]]


def stretch(images: Floats) -> Floats:
    """Images with their common range stretched to 0..255, to be shown."""
    low, high = images.min(), images.max()
    return (images - low) * (np.float32(255) / max(high - low, np.float32(1e-9)))


def shift_brightness(images: Images, shift: int) -> Images:
    """Images with `shift` added to each pixel, clipped to 0..255."""
    return np.clip(images.astype(np.int16) + shift, 0, 255).astype(np.uint8)


def scale_contrast(images: Images, factor: float) -> Images:
    """Images with each pixel's distance from the middle grey scaled, clipped to 0..255."""
    scaled = (images.astype(np.float32) - MIDDLE) * factor + MIDDLE
    return np.clip(np.rint(scaled), 0, 255).astype(np.uint8)


def clipped_shares(images: Images) -> dict[str, float]:
    """The share of pixels that brightness and contrast push out of 0..255."""
    histogram = np.bincount(images.ravel(), minlength=256) / images.size
    values = np.arange(256.0)

    def outside(changed: npt.NDArray[np.float64]) -> float:
        changed = np.rint(changed)
        return float(histogram[(changed < 0) | (changed > 255)].sum())

    shifted = {f"brightness {shift:+d}": outside(values + shift) for shift in SHIFTS}
    scaled = {
        f"contrast ×{factor:g}": outside((values - MIDDLE) * factor + MIDDLE) for factor in FACTORS
    }
    return shifted | scaled


def empty_margins(images: Images) -> dict[str, npt.NDArray[np.int64]]:
    """The empty rows or columns between each image's garment and each side, [n] by side."""
    filled = np.greater(images, 0)
    rows, columns = np.asarray(filled.any(2)), np.asarray(filled.any(1))
    sides = {"top": rows, "bottom": rows[:, ::-1], "left": columns, "right": columns[:, ::-1]}
    # An empty image has no garment: argmax says 0, which is on the safe side.
    return {side: used.argmax(1) for side, used in sides.items()}


def cosine(first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]) -> float:
    """The cosine between two images."""
    norms = float(np.linalg.norm(first) * np.linalg.norm(second))
    return float((first * second).sum()) / norms if norms else 0.0


def advise(mirrored: dict[str, float], margins: dict[str, float], variation: float) -> list[Advice]:
    """Augmentations that follow from the measures of `Preprocessing`."""
    facing = [name for name, value in mirrored.items() if value < FLIP_SIMILARITY]
    flip = (
        f"leaves the rest alike; {', '.join(facing)} face one side, so it shows views that "
        "the data do not have"
        if facing
        else "fits every class"
    )
    vertical, horizontal = (
        min(margins[first], margins[second])
        for first, second in (("top", "bottom"), ("left", "right"))
    )
    cut = "cuts half of the garments or more" if vertical < 1 else "keeps most garments whole"
    return [
        Advice(
            augmentation="horizontal flip",
            measured=f"lowest similarity to the mirror image {min(mirrored.values()):.2f}",
            advice=flip,
        ),
        Advice(
            augmentation="shift",
            measured=f"median margins {vertical:g} rows and {horizontal:g} columns",
            advice=f"one pixel up or down {cut}; pad by the amount of the shift",
        ),
        Advice(
            augmentation="brightness",
            measured=f"brightness varies by {variation:.0%} within a class",
            advice=f"± 10% stays within it; more than ± {variation:.0%} does not"
            if variation > 0.1
            else "the images are alike: keep changes small",
        ),
    ]
