"""Metrics of what a model learned."""

from statistics import fmean

from bench.records.quality import Scores
from bench.records.schema import Record
from bench.reporting.format import decimal, percentage, small
from bench.reporting.metric import METRICS, metric


@METRICS.register("test_accuracy")
@metric("test accuracy", show=percentage, better="higher", priority=0)
def test_accuracy(record: Record) -> float | None:
    """Return the share of the test images that were classified right."""
    return record.quality.test_accuracy


@METRICS.register("ece")
@metric("ECE", show=small, better="lower", sections=("calibration",), priority=1)
def ece(record: Record) -> float | None:
    """Return the expected calibration error over bins of equal width (Guo et al. 2017)."""
    scores = _before(record)
    return None if scores is None else scores.ece_equal_width


@METRICS.register("ece_equal_mass")
@metric("ECE, equal mass", show=small, better="lower", sections=("calibration",), priority=4)
def ece_equal_mass(record: Record) -> float | None:
    """Return the expected calibration error over bins that hold equally many images."""
    scores = _before(record)
    return None if scores is None else scores.ece_equal_mass


@METRICS.register("brier")
@metric("Brier", show=small, better="lower", sections=("calibration",), priority=3)
def brier(record: Record) -> float | None:
    """Return the Brier score: the squared error of the probabilities (Brier 1950)."""
    scores = _before(record)
    return None if scores is None else scores.brier


@METRICS.register("nll")
@metric("NLL", show=decimal, better="lower", sections=("calibration",), priority=2)
def nll(record: Record) -> float | None:
    """Return the mean negative log-likelihood in nats."""
    scores = _before(record)
    return None if scores is None else scores.nll


@METRICS.register("ece_scaled")
@metric("ECE, scaled", show=small, better="lower", sections=("calibration",), priority=5)
def ece_scaled(record: Record) -> float | None:
    """Return the expected calibration error after temperature scaling."""
    scores = _after(record)
    return None if scores is None else scores.ece_equal_width


@METRICS.register("nll_scaled")
@metric("NLL, scaled", show=decimal, better="lower", sections=("calibration",), priority=6)
def nll_scaled(record: Record) -> float | None:
    """Return the negative log-likelihood in nats after temperature scaling."""
    scores = _after(record)
    return None if scores is None else scores.nll


@METRICS.register("mean_corruption_accuracy")
@metric(
    "mean corruption accuracy",
    show=percentage,
    better="higher",
    sections=("robustness",),
    priority=0,
)
def mean_corruption_accuracy(record: Record) -> float | None:
    """Return the mean accuracy over all corruptions and severities."""
    robustness = record.quality.robustness
    if robustness is None or not robustness.accuracy:
        return None
    return fmean(fmean(severities) for severities in robustness.accuracy.values())


def _before(record: Record) -> Scores | None:
    calibration = record.quality.calibration
    return None if calibration is None else calibration.before


def _after(record: Record) -> Scores | None:
    calibration = record.quality.calibration
    return None if calibration is None else calibration.after
