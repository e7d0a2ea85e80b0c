"""Make the files beside a record that its numbers come from: predictions and weights."""

import io

import numpy as np

from bench.measure.messages import Artifacts
from bench.measure.record import Measurement


def make_artifacts(measurement: Measurement) -> Artifacts:
    """Return `predictions.npz`, and `weights.npz` of a network that is no point of a grid."""
    artifacts = {"predictions.npz": ("predictions", encode_predictions(measurement))}
    case = measurement.task.case
    if case.kind == "flax" and not case.point:
        from fmnist_jax.training.learner import FlaxLearner
        from fmnist_jax.training.weights import save

        if not isinstance(measurement.learner, FlaxLearner):
            raise TypeError(f"{case.model} is of kind flax but not a FlaxLearner")
        content = io.BytesIO()
        save(content, measurement.learner.variables)
        artifacts["weights.npz"] = ("weights", content.getvalue())
    return artifacts


def encode_predictions(measurement: Measurement) -> bytes:
    """Encode what was predicted, as a compressed NumPy archive.

    It holds `test` and `validation`: probabilities, float16 [n, 10]; `test_labels` and
    `validation_labels`: uint8 [n]; `test_index` and `validation_index`: int64 [n],
    positions among the published test and training images.
    """
    splits = measurement.splits
    content = io.BytesIO()
    np.savez_compressed(
        content,
        test=measurement.test.astype(np.float16),
        test_labels=splits.test.labels,
        test_index=splits.test_index,
        validation=measurement.validation.astype(np.float16),
        validation_labels=splits.validation.labels,
        validation_index=splits.validation_index,
    )
    return content.getvalue()
