"""How good predictions are: pure functions over arrays."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Confusion = npt.NDArray[np.int64]  # [10, 10], rows are true classes


def confusion_matrix(labels: npt.ArrayLike, predicted: npt.ArrayLike, classes: int) -> Confusion:
    """Counts [classes, classes] of (true, predicted) pairs."""
    pairs = np.asarray(labels, np.int64) * classes + np.asarray(predicted, np.int64)
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def accuracy(confusion: Confusion) -> float:
    """Share of the counts on the diagonal."""
    return float(np.trace(confusion) / confusion.sum())


def log_loss(probabilities: npt.NDArray[np.floating], labels: npt.ArrayLike) -> float:
    """Mean cross-entropy in nats of float [n, c] against integers [n].

    A probability of zero counts as float32's smallest step from one, so that a
    single certain mistake (k nearest neighbours makes many) stays finite.
    """
    labels = np.asarray(labels, np.int64)
    given = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return float(-np.log(np.maximum(given, np.finfo(np.float32).eps)).mean())


@dataclass(frozen=True)
class ClassReport:
    """Per-class figures, each float64 [c] but for `support`, integers [c]."""

    precision: npt.NDArray[np.float64]
    recall: npt.NDArray[np.float64]
    f1: npt.NDArray[np.float64]
    support: npt.NDArray[np.int64]


def class_report(confusion: Confusion) -> ClassReport:
    """Precision, recall and F1 of each class; 0 where it was never predicted or never there."""
    hits = np.diag(confusion).astype(np.float64)
    support, predicted = confusion.sum(1), confusion.sum(0)
    return ClassReport(
        precision=hits / np.maximum(predicted, 1),
        recall=hits / np.maximum(support, 1),
        f1=2 * hits / np.maximum(support + predicted, 1),
        support=support,
    )


def most_confused(confusion: Confusion, count: int) -> list[tuple[int, int, int]]:
    """The `count` largest off-diagonal cells as (true, predicted, images), largest first."""
    off = confusion - np.diag(np.diag(confusion))
    order = np.argsort(-off, axis=None, kind="stable")[:count]
    rows, columns = np.unravel_index(order, off.shape)
    return [
        (int(r), int(c), int(off[r, c])) for r, c in zip(rows, columns, strict=True) if off[r, c]
    ]
