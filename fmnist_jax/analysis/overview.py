"""Part 1: how many images there are, of what shape, and of which classes."""

from typing import ClassVar, Self

import numpy as np

from fmnist_jax.analysis.base import PARTS, Context, Digest, Figures, Part
from fmnist_jax.figures import panels


@PARTS.register("overview")
class Overview(Part):
    """Shapes, dtypes and the class distribution of the training and the test set."""

    name: ClassVar[str] = "overview"
    number: ClassVar[int] = 1
    title: ClassVar[str] = "Overview"

    train_shape: tuple[int, ...]
    test_shape: tuple[int, ...]
    dtype: str
    megabytes: float
    train_counts: dict[str, int]
    test_counts: dict[str, int]
    balanced: bool

    @classmethod
    def measure(cls, context: Context) -> Self:
        """Count."""
        train, test = context.train, context.dataset.test
        counts = [
            np.bincount(split.labels, minlength=len(context.classes)).tolist()
            for split in (train, test)
        ]
        by_class = [dict(zip(context.classes, values, strict=True)) for values in counts]
        return cls(
            train_shape=train.images.shape,
            test_shape=test.images.shape,
            dtype=str(train.images.dtype),
            megabytes=(train.images.nbytes + test.images.nbytes) / 1e6,
            train_counts=by_class[0],
            test_counts=by_class[1],
            balanced=all(len(set(values)) == 1 for values in counts),
        )

    def figures(self, context: Context) -> Figures:
        """Images by class, training beside test."""
        figure, axes = panels.new(context.title("Images by class"))
        panels.draw_bars(
            axes,
            context.classes,
            {"training": list(self.train_counts.values()), "test": list(self.test_counts.values())},
            "images",
        )
        return {"classes": figure}

    def digest(self) -> Digest:
        """Sizes and balance."""
        counts = list(self.train_counts.values())
        spread = f"{min(counts):,} to {max(counts):,} training images a class"
        return [
            ("training set", f"{' × '.join(f'{n:,}' for n in self.train_shape)} {self.dtype}"),
            ("test set", f"{' × '.join(f'{n:,}' for n in self.test_shape)} {self.dtype}"),
            ("classes", "balanced" if self.balanced else spread),
        ]
