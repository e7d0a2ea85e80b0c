"""Part 8: which classes should be hard, and whether they are for the models in the records."""

from collections.abc import Mapping
from typing import ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, Field

from fmnist_jax.analysis import measures
from fmnist_jax.analysis.base import PARTS, Context, Digest, Figures, Part
from fmnist_jax.evaluation.classification import Confusion
from fmnist_jax.figures import panels

PAIRS = 5
RESAMPLES = 2_000
SEED = 0
ALL = "all models"

Floats = npt.NDArray[np.float64]


class Expected(BaseModel, frozen=True):
    """Two classes that resemble each other most, and how often models confuse them."""

    first: str
    second: str
    similarity: float
    confused_share: float | None = Field(description="of the test images of both classes")


class RankCorrelation(BaseModel, frozen=True):
    """Spearman's rank correlation with its 95% percentile bootstrap interval."""

    rho: float
    low: float
    high: float

    @property
    def verdict(self) -> Literal["predicts", "predicts the opposite", "predicts nothing"]:
        """What the interval allows to say."""
        if self.low > 0:
            return "predicts"
        return "predicts the opposite" if self.high < 0 else "predicts nothing"

    def __str__(self) -> str:
        return f"{self.verdict} (Spearman {self.rho:+.2f} [{self.low:+.2f}, {self.high:+.2f}])"


class Check(BaseModel, frozen=True):
    """The prediction against the test confusions of one model."""

    accuracy: float
    errors: RankCorrelation = Field(description="difficulty against error rate, over classes")
    pairs: RankCorrelation = Field(description="similarity against confusion, over pairs")
    errors_verdict: str
    pairs_verdict: str


@PARTS.register("difficulty")
class Difficulty(Part):
    """Predicted difficulty of each class, against the confusions in the records."""

    name: ClassVar[str] = "difficulty"
    number: ClassVar[int] = 8
    title: ClassVar[str] = "Predicted difficulty"
    expected_s: ClassVar[float] = 1.5

    variance: dict[str, float] = Field(description="of a pixel in [0, 1] within the class")
    highest_similarity: dict[str, float] = Field(description="to the centroid of another class")
    difficulty: dict[str, float] = Field(description="the product of the two")
    expected_confusions: list[Expected]
    error_rate: dict[str, float] | None = Field(description="mean over models; null: no records")
    checks: dict[str, Check] = Field(description="by model; empty: no records")

    @classmethod
    def measure(cls, context: Context) -> Self:
        """Predict from the training set alone; then look at the records."""
        names = context.classes
        similarity = measures.cosine_similarity(context.centroids)
        others = similarity - 2 * np.eye(len(names))  # a class is not compared with itself
        variance = measures.variance_within(context.train, len(names))
        difficulty = variance * others.max(1)
        confusion = mean_confusion(context.confusions)
        shares = None if confusion is None else pair_shares(confusion)
        matrices: dict[str, npt.NDArray[np.floating] | Confusion] = dict(context.confusions)
        if confusion is not None:
            matrices = {ALL: confusion, **matrices}

        def by_class(values: Floats) -> dict[str, float]:
            return dict(zip(names, values.tolist(), strict=True))

        return cls(
            variance=by_class(variance),
            highest_similarity=by_class(others.max(1)),
            difficulty=by_class(difficulty),
            expected_confusions=[
                Expected(
                    first=names[i],
                    second=names[j],
                    similarity=float(similarity[i, j]),
                    confused_share=None if shares is None else float(shares[i, j]),
                )
                for i, j in measures.rank_pairs(similarity)[:PAIRS]
            ],
            error_rate=None if confusion is None else by_class(error_rates(confusion)),
            checks={
                model: check(difficulty, similarity, matrix) for model, matrix in matrices.items()
            },
        )

    def figures(self, context: Context) -> Figures:
        """Difficulty by class, and against the error rate where there are records."""
        bars, axes = panels.new(context.title("Predicted difficulty by class"))
        panels.draw_bars(
            axes,
            context.classes,
            {"difficulty": list(self.difficulty.values())},
            "variance within × highest similarity",
        )
        if self.error_rate is None:
            return {"classes": bars}
        scatter, axes = panels.new(
            context.title("Predicted difficulty and measured error"), (7.5, 5.5)
        )
        panels.draw_labelled_points(
            axes,
            list(self.difficulty.values()),
            list(self.error_rate.values()),
            context.classes,
            ("predicted difficulty", f"test error, mean of {len(context.confusions)} model(s)"),
        )
        axes.set_title(f"{self.checks[ALL].errors}", fontsize=10)
        return {"classes": bars, "errors": scatter}

    def digest(self) -> Digest:
        """The hardest classes, and whether the prediction holds."""
        hardest = sorted(self.difficulty, key=lambda name: -self.difficulty[name])[:3]
        expected = [f"{pair.first} and {pair.second}" for pair in self.expected_confusions[:3]]
        lines = [
            ("hardest", ", ".join(f"{name} ({self.difficulty[name]:.4f})" for name in hardest)),
            ("confusions", "; ".join(expected)),
        ]
        if self.error_rate is None:
            return [*lines, ("in the records", "no records of this dataset to check against")]
        worst = sorted(self.error_rate, key=lambda name: -(self.error_rate or {})[name])[:3]
        check = self.checks[ALL]
        return [
            *lines,
            (
                "hardest measured",
                ", ".join(f"{name} ({self.error_rate[name]:.1%} wrong)" for name in worst),
            ),
            ("class errors", f"difficulty {check.errors}"),
            ("pair confusions", f"similarity {check.pairs}"),
        ]


def mean_confusion(confusions: Mapping[str, Confusion]) -> Floats | None:
    """The mean over models of their confusion shares [c, c], rows adding up to 1."""
    if not confusions:
        return None
    return np.mean(
        [matrix / np.maximum(matrix.sum(1, keepdims=True), 1) for matrix in confusions.values()], 0
    )


def error_rates(confusion: npt.NDArray[np.floating] | Confusion) -> Floats:
    """The share of each true class that was taken for another, [c]."""
    return 1 - np.diag(confusion) / np.maximum(confusion.sum(1), 1e-12)


def pair_shares(confusion: npt.NDArray[np.floating] | Confusion) -> Floats:
    """The share of two classes' images that was taken for the other of them, [c, c]."""
    support = confusion.sum(1)
    both = confusion + confusion.T
    return np.asarray(both / np.maximum(support[:, None] + support, 1e-12))


def check(
    difficulty: Floats, similarity: Floats, confusion: npt.NDArray[np.floating] | Confusion
) -> Check:
    """Confront the predictions with one confusion matrix."""
    upper = np.triu_indices(len(difficulty), 1)
    errors = rank_correlation(difficulty, error_rates(confusion))
    pairs = rank_correlation(similarity[upper], pair_shares(confusion)[upper])
    return Check(
        accuracy=float(np.trace(confusion) / confusion.sum()),
        errors=errors,
        pairs=pairs,
        errors_verdict=errors.verdict,
        pairs_verdict=pairs.verdict,
    )


def rank_correlation(first: Floats, second: Floats) -> RankCorrelation:
    """Spearman's rank correlation of two samples [n], resampled together.

    Pairs of classes share classes, so their interval is narrower than it should be.
    A correlation that is not defined, since all values are alike, counts as 0.
    """
    from scipy.stats import rankdata

    def correlate(x: Floats, y: Floats) -> Floats:
        ranks = [rankdata(values, axis=-1) for values in (x, y)]
        centred = [values - values.mean(-1, keepdims=True) for values in ranks]
        scale = np.sqrt((centred[0] ** 2).sum(-1) * (centred[1] ** 2).sum(-1))
        return np.asarray((centred[0] * centred[1]).sum(-1) / np.where(scale > 0, scale, 1))

    rows = np.random.default_rng(SEED).integers(0, len(first), (RESAMPLES, len(first)))
    low, high = np.quantile(correlate(first[rows], second[rows]), [0.025, 0.975])
    return RankCorrelation(rho=float(correlate(first, second)), low=float(low), high=float(high))
