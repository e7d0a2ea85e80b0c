"""Part 6: whether the data are complete, clean and free of repetition."""

from collections import Counter
from typing import ClassVar, Self

import numpy as np
from pydantic import BaseModel, Field

from fmnist_jax.analysis.base import PARTS, Context, Digest, Figures, Part
from fmnist_jax.data.dataset import Split
from fmnist_jax.figures import galleries

Z_LIMIT = 3.0
SHOWN = 20


class Outlier(BaseModel, frozen=True):
    """A training image whose brightness is far from the mean, in standard deviations."""

    index: int
    label: str
    brightness: float
    z: float


@PARTS.register("quality")
class Quality(Part):
    """Outliers in brightness, empty images, duplicates, range and dtype."""

    name: ClassVar[str] = "quality"
    number: ClassVar[int] = 6
    title: ClassVar[str] = "Data quality"

    dtype: str
    value_range: tuple[int, int]
    missing_values: int = Field(description="NaN; an integer image cannot have any")
    constant_images: int = Field(description="of both sets")
    duplicates: dict[str, int] = Field(description="images that repeat an earlier one")
    conflicting_labels: int = Field(description="distinct images that carry two labels or more")
    z_limit: float = Z_LIMIT
    outlier_count: int
    outliers: list[Outlier] = Field(description="of the training set, farthest first")

    @classmethod
    def measure(cls, context: Context) -> Self:
        """Look at each image once."""
        train, test = context.train, context.dataset.test
        bright = context.brightness
        z = (bright - bright.mean()) / (bright.std() or 1.0)
        far = np.flatnonzero(np.abs(z) > Z_LIMIT)
        far = far[np.argsort(-np.abs(z[far]), kind="stable")]
        duplicates, conflicts = find_duplicates(train, test)
        flat = [split.images.reshape(len(split), -1) for split in (train, test)]
        return cls(
            dtype=str(train.images.dtype),
            value_range=(int(min(x.min() for x in flat)), int(max(x.max() for x in flat))),
            missing_values=sum(int(np.isnan(x).sum()) for x in flat if x.dtype.kind == "f"),
            constant_images=sum(int((x.min(1) == x.max(1)).sum()) for x in flat),
            duplicates=duplicates,
            conflicting_labels=conflicts,
            outlier_count=len(far),
            outliers=[
                Outlier(
                    index=int(at),
                    label=context.classes[train.labels[at]],
                    brightness=float(bright[at]),
                    z=float(z[at]),
                )
                for at in far
            ],
        )

    def figures(self, context: Context) -> Figures:
        """The farthest outliers."""
        shown = self.outliers[:SHOWN]
        if not shown:
            return {}
        return {
            "outliers": galleries.draw_captioned(
                context.train.images[[outlier.index for outlier in shown]],
                [f"{o.label}\nz = {o.z:+.1f}\nimage {o.index}" for o in shown],
                context.title(
                    f"{len(shown)} of {self.outlier_count:,} brightness outliers, |z| > {Z_LIMIT:g}"
                ),
            )
        }

    def digest(self) -> Digest:
        """Counts of what may be wrong."""
        most = Counter(outlier.label for outlier in self.outliers).most_common(1)
        whose = f", most of them {most[0][0]} ({most[0][1]:,})" if most else ""
        repeated = ", ".join(f"{count} {where}" for where, count in self.duplicates.items())
        return [
            ("outliers", f"{self.outlier_count:,} with |z| > {self.z_limit:g}{whose}"),
            ("duplicates", f"{repeated}; {self.conflicting_labels} with two labels"),
            ("missing, constant", f"{self.missing_values}, {self.constant_images}"),
            ("range, dtype", f"{self.value_range[0]} to {self.value_range[1]}, {self.dtype}"),
        ]


def find_duplicates(train: Split, test: Split) -> tuple[dict[str, int], int]:
    """Count exact repetitions within and between the sets, and images with several labels."""
    in_train, in_test = ([image.tobytes() for image in split.images] for split in (train, test))
    labels: dict[bytes, set[int]] = {}
    for image, label in zip(
        in_train + in_test, [*train.labels.tolist(), *test.labels.tolist()], strict=True
    ):
        labels.setdefault(image, set()).add(label)
    seen = set(in_train)
    counts = {
        "in training": len(in_train) - len(seen),
        "in test": len(in_test) - len(set(in_test)),
        "of test in training": sum(image in seen for image in in_test),
    }
    return counts, sum(len(given) > 1 for given in labels.values())
