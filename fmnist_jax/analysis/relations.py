"""Part 5: which classes resemble each other."""

from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, Field

from fmnist_jax.analysis import measures
from fmnist_jax.analysis.base import PARTS, Context, Digest, Figures, Part
from fmnist_jax.figures import panels

PAIRS = 5


class Pair(BaseModel, frozen=True):
    """Two classes and the cosine of their centroids."""

    first: str
    second: str
    similarity: float


@PARTS.register("relations")
class Relations(Part):
    """The cosine similarity of the classes' mean images."""

    name: ClassVar[str] = "relations"
    number: ClassVar[int] = 5
    title: ClassVar[str] = "Class relations"

    similarity: npt.NDArray[np.float64] = Field(exclude=True, description="[c, c]")
    matrix: dict[str, dict[str, float]]
    most_similar: list[Pair]
    least_similar: list[Pair]

    @classmethod
    def measure(cls, context: Context) -> Self:
        """Compare the mean images."""
        similarity = measures.cosine_similarity(context.centroids)
        names = context.classes
        pairs = [
            Pair(first=names[i], second=names[j], similarity=float(similarity[i, j]))
            for i, j in measures.rank_pairs(similarity)
        ]
        return cls(
            similarity=similarity,
            matrix={
                name: dict(zip(names, row.tolist(), strict=True))
                for name, row in zip(names, similarity, strict=True)
            },
            most_similar=pairs[:PAIRS],
            least_similar=pairs[::-1][:PAIRS],
        )

    def figures(self, context: Context) -> Figures:
        """The similarities as a heat map."""
        figure, axes = panels.new(context.title("Cosine similarity of the mean images"), (7.5, 6.5))
        panels.draw_heatmap(axes, self.similarity, context.classes)
        return {"similarity": figure}

    def digest(self) -> Digest:
        """The extremes."""
        most, least = self.most_similar[0], self.least_similar[0]
        return [
            ("most similar", f"{most.first} and {most.second} ({most.similarity:.3f})"),
            ("least similar", f"{least.first} and {least.second} ({least.similarity:.3f})"),
        ]
