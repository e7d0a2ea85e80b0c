"""Part 10: what matters of all parts, in one place."""

from typing import ClassVar, Self

from matplotlib.figure import Figure
from pydantic import BaseModel, Field

from fmnist_jax.analysis.base import PARTS, Context, Digest, Figures, Part
from fmnist_jax.analysis.difficulty import ALL, Difficulty
from fmnist_jax.analysis.overview import Overview
from fmnist_jax.analysis.quality import Quality
from fmnist_jax.analysis.relations import Pair, Relations
from fmnist_jax.analysis.statistics import Statistics
from fmnist_jax.evaluation.classification import accuracy
from fmnist_jax.figures import panels

SHARE = 0.95


class KeyFigures(BaseModel, frozen=True):
    """The figures that the other parts measured."""

    train_images: int
    test_images: int
    balanced: bool
    pixel_mean: float
    pixel_std: float
    pixel_median: float
    components_for_95_percent: int
    most_similar: Pair
    least_similar: Pair
    outliers: int
    duplicates: int
    hardest_class: str
    difficulty_verdict: str = Field(description="of the classes' errors, or no records")


@PARTS.register("summary")
class Summary(Part):
    """The executive summary: key figures, findings, and accuracies from the records."""

    name: ClassVar[str] = "summary"
    number: ClassVar[int] = 10
    title: ClassVar[str] = "Summary"

    key_figures: KeyFigures
    accuracies: dict[str, float] = Field(description="measured, by model; empty: no records")
    findings: list[str]

    @classmethod
    def measure(cls, context: Context) -> Self:
        """Gather; parts that were not run are measured now."""
        overview, quality = context.result(Overview), context.result(Quality)
        relations, difficulty = context.result(Relations), context.result(Difficulty)
        pixels = context.result(Statistics).pixels
        checks = difficulty.checks
        figures = KeyFigures(
            train_images=overview.train_shape[0],
            test_images=overview.test_shape[0],
            balanced=overview.balanced,
            pixel_mean=pixels.mean,
            pixel_std=pixels.std,
            pixel_median=pixels.median,
            components_for_95_percent=context.components.count_for(SHARE),
            most_similar=relations.most_similar[0],
            least_similar=relations.least_similar[0],
            outliers=quality.outlier_count,
            duplicates=sum(quality.duplicates.values()),
            hardest_class=max(difficulty.difficulty, key=lambda name: difficulty.difficulty[name]),
            difficulty_verdict=checks[ALL].errors_verdict if checks else "no records",
        )
        accuracies = {model: accuracy(matrix) for model, matrix in context.confusions.items()}
        return cls(
            key_figures=figures,
            accuracies=dict(sorted(accuracies.items(), key=lambda item: -item[1])),
            findings=findings(figures, difficulty),
        )

    def figures(self, context: Context) -> Figures:
        """Pixel values, components, class relations and difficulty in four panels."""
        figure = Figure(figsize=(13, 10.5), layout="constrained")
        (pixels, components), (similarity, hard) = figure.subplots(2, 2)
        panels.draw_histogram(pixels, context.result(Statistics).histogram)
        pixels.set_title("Pixel values")
        panels.draw_cumulative(
            components,
            context.components.shares.cumsum(),
            self.key_figures.components_for_95_percent,
        )
        components.set_title("Principal components")
        relations, difficulty = context.result(Relations), context.result(Difficulty)
        panels.draw_heatmap(similarity, relations.similarity, context.classes)
        similarity.set_title("Cosine similarity of mean images")
        panels.draw_bars(
            hard,
            context.classes,
            {"difficulty": list(difficulty.difficulty.values())},
            "variance within × highest similarity",
        )
        verdict = difficulty.checks[ALL].errors if difficulty.checks else "no records to check by"
        hard.set_title(f"Predicted difficulty: {verdict}", fontsize=11)
        figure.suptitle(context.title("Summary"), fontsize=14)
        return {"panels": figure}

    def digest(self) -> Digest:
        """The findings, and the models' accuracies."""
        best = list(self.accuracies.items())[:3]
        measured = ", ".join(f"{model} {value:.2%}" for model, value in best)
        lines = [(str(number), text) for number, text in enumerate(self.findings, 1)]
        none = "no records of this dataset: python -m bench run makes some"
        return [*lines, ("best, mean of all records", measured or none)]


def findings(figures: KeyFigures, difficulty: Difficulty) -> list[str]:
    """One sentence for each key figure, nothing in it that was not measured."""
    balance = "balanced" if figures.balanced else "not balanced"
    most, least = figures.most_similar, figures.least_similar
    sentences = [
        f"{figures.train_images:,} training and {figures.test_images:,} test images; "
        f"the classes are {balance}.",
        f"Pixels have mean {figures.pixel_mean:.2f}, standard deviation {figures.pixel_std:.2f} "
        f"and median {figures.pixel_median:g}.",
        f"{figures.components_for_95_percent} principal components hold 95% of the variance.",
        f"{most.first} and {most.second} are most alike (cosine {most.similarity:.3f}), "
        f"{least.first} and {least.second} least ({least.similarity:.3f}).",
        f"{figures.outliers:,} brightness outliers and {figures.duplicates:,} exact duplicates.",
        f"Predicted hardest class: {figures.hardest_class}.",
    ]
    if difficulty.error_rate is not None:
        rates = difficulty.error_rate
        worst = max(rates, key=lambda name: rates[name])
        sentences.append(
            f"Measured hardest class: {worst} ({rates[worst]:.1%} wrong, mean over models); "
            f"variance × similarity {figures.difficulty_verdict}."
        )
    return sentences
