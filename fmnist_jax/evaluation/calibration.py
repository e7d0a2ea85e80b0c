"""Measure whether probabilities mean what they say, and scale them so that they do.

References:
    Guo et al., On Calibration of Modern Neural Networks, 2017, arXiv 1706.04599
    (expected calibration error, temperature scaling).
    Nguyen and O'Connor, Posterior Calibration, 2015, arXiv 1508.05154 (bins of equal mass).
    Brier, Verification of Forecasts Expressed in Terms of Probability, 1950.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import log_softmax

from fmnist_jax.evaluation.classification import log_loss

BINS = 15  # as in Guo et al.
Binning = Literal["equal_width", "equal_mass"]
Floats = npt.NDArray[np.floating]
_SMALLEST = float(np.finfo(np.float32).eps)  # stands for a probability of zero, as in `log_loss`


@dataclass(frozen=True)
class CalibrationScores:
    """How far probabilities are from the truth; the lower the better.

    Attributes:
        ece_equal_width: expected calibration error over `BINS` bins of equal width, in [0, 1].
        ece_equal_mass: the same over bins that hold equally many images.
        brier: mean squared distance to the one-hot label, in [0, 2].
        nll: mean negative log-likelihood of the label, in nats.
    """

    ece_equal_width: float
    ece_equal_mass: float
    brier: float
    nll: float


@dataclass(frozen=True)
class Reliability:
    """A reliability diagram: float64 [bins] each, for the bins that hold an image.

    Attributes:
        confidence: mean probability of the predicted class.
        accuracy: share of right predictions.
        images: how many images the bin holds.
    """

    confidence: npt.NDArray[np.float64]
    accuracy: npt.NDArray[np.float64]
    images: npt.NDArray[np.int64]


def reliability(
    probabilities: Floats, labels: npt.ArrayLike, binning: Binning, bins: int = BINS
) -> Reliability:
    """Compare confidence with accuracy, bin by bin.

    Args:
        probabilities: [n, classes].
        labels: integers [n].
        binning: bins of equal width in confidence, or of equally many images.
        bins: how many there are.
    """
    confidence = probabilities.max(1).astype(np.float64)
    correct = probabilities.argmax(1) == np.asarray(labels)
    if binning == "equal_width":
        # Bins are open below and closed above: a confidence of 1 belongs to the last.
        index = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    else:
        index = np.empty(len(confidence), np.int64)
        index[np.argsort(confidence, kind="stable")] = (
            np.arange(len(confidence)) * bins // len(confidence)
        )
    images = np.bincount(index, minlength=bins)
    filled = images > 0
    return Reliability(
        confidence=np.bincount(index, confidence, bins)[filled] / images[filled],
        accuracy=np.bincount(index, correct, bins)[filled] / images[filled],
        images=images[filled],
    )


def expected_calibration_error(diagram: Reliability) -> float:
    """Mean distance between confidence and accuracy, weighted by images (Guo et al., eq. 3)."""
    distance = np.abs(diagram.confidence - diagram.accuracy)
    return float(distance @ diagram.images / diagram.images.sum())


def brier_score(probabilities: Floats, labels: npt.ArrayLike) -> float:
    """Mean squared distance of [n, classes] to the one-hot labels of [n], in [0, 2]."""
    target = np.eye(probabilities.shape[1])[np.asarray(labels)]
    return float(np.square(probabilities - target).sum(1).mean())


def calibration_scores(probabilities: Floats, labels: npt.ArrayLike) -> CalibrationScores:
    """Score probabilities [n, classes] against integer labels [n]."""
    width = reliability(probabilities, labels, "equal_width")
    mass = reliability(probabilities, labels, "equal_mass")
    return CalibrationScores(
        ece_equal_width=expected_calibration_error(width),
        ece_equal_mass=expected_calibration_error(mass),
        brier=brier_score(probabilities, labels),
        nll=log_loss(probabilities, labels),
    )


def fit_temperature(probabilities: Floats, labels: npt.ArrayLike) -> float:
    """Find the temperature that gives the labels their highest likelihood.

    Args:
        probabilities: [n, classes], of validation images.
        labels: integers [n].

    Returns:
        Above 1 where the probabilities are too sure, below 1 where they are not sure
        enough (Guo et al., section 4.2); within [0.05, 20].
    """

    from scipy.optimize import minimize_scalar  # slow to import, and wanted by no table

    def loss(log_temperature: float) -> float:
        return log_loss(apply_temperature(probabilities, math.exp(log_temperature)), labels)

    bound = math.log(20)
    return math.exp(minimize_scalar(loss, bounds=(-bound, bound), method="bounded").x)


def apply_temperature(probabilities: Floats, temperature: float) -> npt.NDArray[np.float64]:
    """Divide the logits by `temperature`; logarithms of probabilities serve as logits.

    Args:
        probabilities: [n, classes].
        temperature: above 0.

    Returns:
        Probabilities, float64 [n, classes].
    """
    logits = np.log(np.maximum(probabilities.astype(np.float64), _SMALLEST))
    return np.exp(log_softmax(logits / temperature, axis=1))
