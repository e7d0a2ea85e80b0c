"""Part 9: how the dataset differs from MNIST, which it replaces."""

from typing import ClassVar, Self

import numpy as np
from pydantic import BaseModel, Field

from fmnist_jax.analysis import measures
from fmnist_jax.analysis.base import PARTS, Context, Digest, Figures, Part
from fmnist_jax.data.dataset import Split
from fmnist_jax.figures import galleries, panels

EDGE_IMAGES = 1_000
SHARE = 0.95


class Complexity(BaseModel, frozen=True):
    """Measures of a training set.

    Attributes:
        image_std: mean over images of the standard deviation of their pixels.
        edge_density: share of edge pixels in the first 1,000 images.
        brightness: mean pixel.
        filled: share of pixels that are not 0.
        components: principal components for 95% of the variance.
    """

    image_std: float
    edge_density: float
    brightness: float
    filled: float
    components: int


@PARTS.register("mnist")
class MnistComparison(Part):
    """Complexity, edge density and pictures beside MNIST's."""

    name: ClassVar[str] = "mnist"
    number: ClassVar[int] = 9
    title: ClassVar[str] = "Comparison with MNIST"
    expected_s: ClassVar[float] = 9.0

    missing: str | None = Field(description="why there is no comparison; null: there is one")
    edge_images: int = EDGE_IMAGES
    this: Complexity | None
    mnist: Complexity | None

    @classmethod
    def measure(cls, context: Context) -> Self:
        """Measure both training sets alike."""
        if isinstance(context.mnist, str):
            return cls(missing=context.mnist, this=None, mnist=None)
        return cls(
            missing=None,
            this=complexity(context.train, context.components),
            mnist=complexity(context.mnist, measures.principal_components(context.mnist.images)),
        )

    def figures(self, context: Context) -> Figures:
        """An image of each class of both, and the measures as ratios."""
        if isinstance(context.mnist, str) or self.this is None or self.mnist is None:
            return {}
        both = [
            np.stack([split.images[split.labels == label][0] for label in range(10)])
            for split in (context.train, context.mnist)
        ]
        bars, axes = panels.new(context.title("Measures relative to MNIST"))
        ratios = {
            name.replace("_", " "): getattr(self.this, name) / (getattr(self.mnist, name) or 1)
            for name in Complexity.model_fields
        }
        panels.draw_bars(axes, list(ratios), {"": list(ratios.values())}, "MNIST = 1")
        axes.axhline(1, color="black", linewidth=1, linestyle="--")
        return {
            "images": galleries.draw_grid(
                np.stack(both),
                context.title("The first training image of each class, and MNIST's"),
                rows=(context.dataset.name, "mnist"),
                columns=[f"{name}\n{label}" for label, name in enumerate(context.classes)],
            ),
            "measures": bars,
        }

    def digest(self) -> Digest:
        """Both sides of each measure."""
        if self.this is None or self.mnist is None:
            return [("not compared", self.missing or "")]
        this, mnist = self.this, self.mnist
        return [
            ("complexity", f"{this.image_std:.1f}, MNIST {mnist.image_std:.1f} (std of an image)"),
            ("edge density", f"{this.edge_density:.1%}, MNIST {mnist.edge_density:.1%}"),
            ("brightness", f"{this.brightness:.1f}, MNIST {mnist.brightness:.1f}"),
            ("filled", f"{this.filled:.1%}, MNIST {mnist.filled:.1%}"),
            ("components", f"{this.components}, MNIST {mnist.components} for 95% of the variance"),
        ]


def complexity(split: Split, components: measures.Components) -> Complexity:
    """Measure one training set."""
    images = split.images
    chunks = range(0, len(images), 10_000)
    deviations = [images[start : start + 10_000].std((1, 2), dtype=np.float32) for start in chunks]
    edges = [measures.find_edges(image).mean() for image in images[:EDGE_IMAGES]]
    return Complexity(
        image_std=float(np.concatenate(deviations).mean(dtype=np.float64)),
        edge_density=float(np.mean(edges)),
        brightness=float(images.mean(dtype=np.float64)),
        filled=float(np.count_nonzero(images) / images.size),
        components=components.count_for(SHARE),
    )
