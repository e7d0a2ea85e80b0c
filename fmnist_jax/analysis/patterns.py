"""Part 3: what the images of each class look like."""

from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field

from fmnist_jax.analysis import measures
from fmnist_jax.analysis.base import PARTS, Context, Digest, Figures, Part
from fmnist_jax.figures import galleries

SAMPLES = 10  # of each class
SEED = 0


@PARTS.register("patterns")
class Patterns(Part):
    """Samples, Canny edges and the mean image of each class."""

    name: ClassVar[str] = "patterns"
    number: ClassVar[int] = 3
    title: ClassVar[str] = "Visual patterns"
    expected_s: ClassVar[float] = 3.0
    images_per_class: ClassVar[int] = SAMPLES

    samples: dict[str, list[int]] = Field(description="indices in the training set")
    canny_thresholds: tuple[float, float] = measures.CANNY_THRESHOLDS
    canny_sigma: float = measures.CANNY_SIGMA
    edge_share: dict[str, float] = Field(description="of the pixels of the samples, by class")
    edges: npt.NDArray[np.bool_] = Field(
        exclude=True, description="of the samples, [c, 10, 28, 28]"
    )

    @classmethod
    def measure(cls, context: Context) -> Self:
        """Draw the samples, the same in every run, and find their edges."""
        generator = np.random.default_rng(SEED)
        train = context.train
        chosen = np.stack(
            [
                np.sort(generator.choice(np.flatnonzero(train.labels == label), SAMPLES, False))
                for label in range(len(context.classes))
            ]
        )
        edges = np.stack([[measures.find_edges(train.images[at]) for at in row] for row in chosen])
        shares = edges.mean((1, 2, 3))
        return cls(
            samples=dict(zip(context.classes, chosen.tolist(), strict=True)),
            edge_share=dict(zip(context.classes, shares.tolist(), strict=True)),
            edges=edges,
        )

    def figures(self, context: Context) -> Figures:
        """Ten samples a class, edges below an image of each class, and the mean images."""
        samples = context.train.images[list(self.samples.values())]
        low, high = self.canny_thresholds
        return {
            "samples": galleries.draw_grid(
                samples, context.title("Ten training images of each class"), rows=context.classes
            ),
            "edges": galleries.draw_grid(
                np.stack([samples[:, 0], self.edges[:, 0] * 255.0]),
                context.title(f"Canny edges, thresholds {low:g} and {high:g}"),
                rows=("image", "edges"),
                columns=context.classes,
            ),
            "means": galleries.draw_grid(
                context.centroids.reshape(2, -1, *context.centroids.shape[1:]),
                context.title("Mean training image of each class"),
                captions=context.classes,
            ),
        }

    def digest(self) -> Digest:
        """The classes with the fewest and the most edges."""
        order = sorted(self.edge_share, key=lambda name: self.edge_share[name])
        return [
            ("fewest edges", f"{order[0]} ({self.edge_share[order[0]]:.1%} of the pixels)"),
            ("most edges", f"{order[-1]} ({self.edge_share[order[-1]]:.1%} of the pixels)"),
        ]
