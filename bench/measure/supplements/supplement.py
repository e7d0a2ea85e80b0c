"""Add to a complete record what may fail without harm: robustness, explanations, pictures.

The record has been sent by then; none of this costs its status or its time.
"""

import logging
from collections.abc import Callable
from dataclasses import replace

from bench.measure.messages import Artifacts, Outcome, Progress
from bench.measure.record import Measurement
from bench.measure.worker import set_up_jax
from bench.records.quality import Robustness
from bench.records.schema import Record
from fmnist_jax.errors import in_one_line

log = logging.getLogger("fmnist_jax")

SEED = 0  # of the corruptions and of which images they are applied to: the same for all models


def supplement(
    outcome: Outcome, measurement: Measurement, report: Callable[[Progress], None]
) -> Outcome:
    """Return the outcome with all that can be added to it.

    What fails is left out, with a warning. A point of a grid gets nothing more, nor does
    a task without supplements.

    Args:
        outcome: complete and already sent.
        measurement: that its record was built from.
        report: takes the name of each phase.
    """
    if outcome.record.case.point or not measurement.task.supplements:
        return outcome
    for name, add in SUPPLEMENTS.items():
        report(Progress(name))
        try:
            record, artifacts = add(outcome.record, measurement)
        except Exception as error:
            model, reason = outcome.record.case.model, in_one_line(error)
            log.warning("%s was measured, but without %s: %s", model, name, reason)
        else:
            outcome = replace(outcome, record=record, artifacts=outcome.artifacts | artifacts)
    return outcome


def _add_robustness(record: Record, measurement: Measurement) -> tuple[Record, Artifacts]:
    if record.case.kind != "flax":
        set_up_jax(platforms="cpu")
    from fmnist_jax.evaluation.robustness import corruption_accuracy

    test = measurement.splits.test
    images = min(measurement.config.robustness_images, len(test))
    robustness = Robustness(
        images=images,
        seed=SEED,
        accuracy=corruption_accuracy(
            measurement.learner.predict_proba, test.images, test.labels, images, SEED
        ),
    )
    quality = record.quality.model_copy(update={"robustness": robustness})
    return record.model_copy(update={"quality": quality}), {}


def _add_explanations(record: Record, measurement: Measurement) -> tuple[Record, Artifacts]:
    if record.case.kind != "flax":
        return record, {}
    from bench.measure.supplements.explanations import explain_sample
    from fmnist_jax.training.learner import FlaxConfig, FlaxLearner

    config, learner = measurement.config, measurement.learner
    assert isinstance(config, FlaxConfig)
    assert isinstance(learner, FlaxLearner)
    predicted = measurement.test.argmax(1)
    explanations = explain_sample(
        config.network("float32"), learner.variables, measurement.splits.test, predicted
    )
    return record.model_copy(update={"explanations": explanations}), {}


def _add_pictures(record: Record, measurement: Measurement) -> tuple[Record, Artifacts]:
    from bench.measure.supplements.pictures import make_pictures  # matplotlib, wanted only now

    return record, make_pictures(record, measurement)


SUPPLEMENTS = {
    "robustness": _add_robustness,
    "explanations": _add_explanations,
    "pictures": _add_pictures,
}
