"""Part 11, where it is named: which training labels are likely to be wrong.

Confident learning (Northcutt, Jiang, Chuang 2021, arXiv 1911.00068) on predictions for
images that the model was not fitted on.
"""

import warnings
from collections import Counter
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, Field

from fmnist_jax.analysis.base import PARTS, Context, Digest, Figures, Part
from fmnist_jax.figures import galleries

MODEL = "logistic_regression"
FOLDS = 3
COMPONENTS = 100
SEED = 0
SHOWN = 40
# Wrong labels in the training set, in its original order (Müller and Markert 2019,
# arXiv 1912.05283).
PUBLISHED = {"fashion_mnist": (45592, 16691, 28264, 33982, 40513, 42018)}
HOG = {"orientations": 8, "pixels_per_cell": (7, 7), "cells_per_block": (2, 2)}

Floats = npt.NDArray[np.float64]


class Suspect(BaseModel, frozen=True):
    """A training image whose label is likely to be wrong."""

    index: int
    label: str
    suggested: str
    label_probability: float


class PublishedError(BaseModel, frozen=True):
    """A published wrong label, and where it stands among all images, 1 for the likeliest error."""

    index: int
    label: str
    suggested: str
    flagged: bool
    rank: int


@PARTS.register("label_errors")
class LabelErrors(Part):
    """Likely label errors by confident learning; runs only where it is named."""

    name: ClassVar[str] = "label_errors"
    number: ClassVar[int] = 11
    title: ClassVar[str] = "Likely label errors (training set)"
    expected_s: ClassVar[float] = 80.0
    images_per_class: ClassVar[int] = FOLDS
    by_default: ClassVar[bool] = False

    model: str = MODEL
    features: str = (
        "HOG (8 orientations, cells of 7 pixels, blocks of 2 cells) and 100 principal "
        "components, standardised"
    )
    folds: int = FOLDS
    accuracy: float = Field(description="of the predictions for images not fitted on")
    count: int
    pairs: dict[str, int] = Field(description="suspects by 'label -> suggested', most first")
    suspects: list[Suspect] = Field(description="likeliest first")
    published: list[PublishedError] = Field(description="empty where none are known")
    recall: float | None = Field(description="share of the published ones that are suspects")

    @classmethod
    def measure(cls, context: Context) -> Self:
        """Predict each image by a model fitted on the other folds; find the confident conflicts."""
        labels = context.train.labels
        probabilities = predict_out_of_fold(make_features(context), labels)
        suggested = suggest_labels(labels, probabilities)
        own = probabilities[np.arange(len(labels)), labels]
        flagged = suggested != labels
        suspects = np.flatnonzero(flagged)
        suspects = suspects[np.argsort(own[suspects], kind="stable")]
        # Suspects stand before all others, each part in the order of its own probability.
        ranks = np.empty(len(labels), np.int64)
        ranks[np.lexsort((own, ~flagged))] = np.arange(1, len(labels) + 1)
        names = context.classes
        published = [
            PublishedError(
                index=at,
                label=names[labels[at]],
                suggested=names[suggested[at]],
                flagged=bool(flagged[at]),
                rank=int(ranks[at]),
            )
            for at in PUBLISHED.get(context.dataset.name, ())
        ]
        pairs = Counter(f"{names[labels[at]]} -> {names[suggested[at]]}" for at in suspects)
        return cls(
            accuracy=float((probabilities.argmax(1) == labels).mean()),
            count=len(suspects),
            pairs=dict(pairs.most_common()),
            suspects=[
                Suspect(
                    index=int(at),
                    label=names[labels[at]],
                    suggested=names[suggested[at]],
                    label_probability=float(own[at]),
                )
                for at in suspects
            ],
            published=published,
            recall=sum(one.flagged for one in published) / len(published) if published else None,
        )

    def figures(self, context: Context) -> Figures:
        """The likeliest errors, and the published ones."""
        figures: Figures = {}
        for name, title, listed in (
            (
                "suspects",
                f"The likeliest of {self.count:,} suspected label errors",
                self.suspects[:SHOWN],
            ),
            ("published", "Published label errors", self.published),
        ):
            if listed:
                figures[name] = galleries.draw_captioned(
                    context.train.images[[one.index for one in listed]],
                    [f"{o.label}\n→ {o.suggested}\nimage {o.index}" for o in listed],
                    context.title(title),
                )
        return figures

    def digest(self) -> Digest:
        """How many, of which classes, and what of the published ones is among them."""
        most = [f"{pair} ({count:,})" for pair, count in list(self.pairs.items())[:3]]
        lines = [
            ("model", f"{self.model} on HOG and PCA, {self.accuracy:.2%} right out of fold"),
            ("suspects", f"{self.count:,}: {', '.join(most) or 'none'}"),
        ]
        if self.recall is None:
            return [*lines, ("published", "no published label errors of this dataset")]
        ranks = ", ".join(
            f"{one.index}: {one.rank:,}" + " (not a suspect)" * (not one.flagged)
            for one in self.published
        )
        recalled = sum(one.flagged for one in self.published)
        return [
            *lines,
            ("published", f"{recalled} of {len(self.published)} are suspects"),
            ("their ranks", ranks),
        ]


def make_features(context: Context) -> npt.NDArray[np.float32]:
    """Edges and tones of each training image, float32 [n, d].

    These are histograms of oriented gradients (Dalal and Triggs 2005) beside the first
    principal components, which know nothing of the labels.
    """
    from skimage.feature import hog

    images = context.train.images
    edges = np.stack([hog(image, **HOG) for image in images])
    tones = context.components.project(images, COMPONENTS)
    return np.hstack([edges, tones]).astype(np.float32)


def predict_out_of_fold(features: npt.NDArray[np.float32], labels: npt.NDArray[np.uint8]) -> Floats:
    """Probabilities [n, 10] of each image by the registered `MODEL` fitted on the other folds."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    from fmnist_jax.baselines.base import BaselineConfig, standardised
    from fmnist_jax.learner import LEARNERS
    from fmnist_jax.system.cpu import available_cores

    config = LEARNERS[MODEL]()
    if not isinstance(config, BaselineConfig):
        raise TypeError(f"{MODEL} is no scikit-learn model")
    estimator = standardised(config.estimator(SEED, len(available_cores())), True)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=SEED)
    with warnings.catch_warnings():
        # The model's limit of iterations is one of its hyper-parameters.
        warnings.simplefilter("ignore", ConvergenceWarning)
        probabilities = cross_val_predict(
            estimator, features, labels, cv=folds, method="predict_proba"
        )
    return np.asarray(probabilities, np.float64)


def suggest_labels(labels: npt.NDArray[np.integer], probabilities: Floats) -> npt.NDArray[np.int64]:
    """The label that each image should have; where it differs from its own, that is an error.

    A class is confident of an image if its probability reaches the mean that the images of
    this label have. An image of which one class is confident should have that label; of
    several confident classes, or none, see below.

    Args:
        labels: integers [n], each of the c classes at least once.
        probabilities: [n, c], of a model that was not fitted on these images.

    Returns:
        Integers [n]: the confident class; the most probable one where several are confident
        (as cleanlab does); the image's own label where none is, or where its own is the
        most probable.
    """
    classes = probabilities.shape[1]
    thresholds = [probabilities[labels == label, label].mean() for label in range(classes)]
    confident = probabilities >= np.array(thresholds) - 1e-6
    predicted = probabilities.argmax(1)
    several = confident.sum(1) > 1
    suggested = np.where(several, predicted, confident.argmax(1))
    unchanged = ~confident.any(1) | (predicted == labels)
    return np.where(unchanged, labels, suggested)
