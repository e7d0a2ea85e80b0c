"""From a task to its record: what is sent, when, and what goes wrong without harm."""

import io
import logging
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from bench.measure import measure as measuring
from bench.measure.measure import measure
from bench.measure.messages import Measured, Progress, new_task
from bench.measure.supplements import supplement
from bench.records.schema import Record
from fmnist_jax.data import load as loading
from fmnist_jax.errors import Diverged
from fmnist_jax.evaluation.calibration import apply_temperature, calibration_scores
from fmnist_jax.evaluation.robustness import CORRUPTIONS
from fmnist_jax.history import Epoch, ModelCost, Prepared
from fmnist_jax.learner import LEARNERS, LearnerConfig
from tests.support.factory import make_case, make_host
from tests.support.small_data import small_dataset

DATASET = small_dataset()


class NearestMean:
    """A learner that does what it is told by its config."""

    def __init__(self, config):
        self.config = config

    def prepare(self, train, validation):
        self.means = np.stack([train.images[train.labels == label].mean(0) for label in range(10)])
        return Prepared(compile_s=0.25, compile_cached=False, warmup_s=0.5)

    def fit(self, on_epoch, checkpoints=None):
        if self.config.error == "diverged":
            raise Diverged("the loss is nan in epoch 1")
        if self.config.error == "memory":
            raise MemoryError
        if self.config.error:
            raise ValueError(f"{self.config.error}\nand more")
        history = tuple(
            Epoch(epoch, 2.0, 0.4, 1.0, min(1.0, 0.5 * epoch), 2.0, 3.0 * epoch, 100)
            for epoch in (1, 2, 3)
        )
        for epoch in history[1:]:
            on_epoch(epoch)
        return history

    def predict_proba(self, images):
        distance = ((images[:, None] - self.means) ** 2).mean((2, 3))
        weights = np.exp(-distance / 2000)
        return (weights / weights.sum(1, keepdims=True)).astype(np.float32)

    def cost(self):
        return ModelCost(7840, None, None, 31_360)


class NearestMeanConfig(LearnerConfig):
    kind = "sklearn"
    robustness_images = 3
    error: str = ""

    def build(self, seed):
        return NearestMean(self)


class Events(list):
    send = list.append


@pytest.fixture(autouse=True)
def surroundings(monkeypatch):
    """The learner is registered, its data at hand; this process keeps its loggers and its JAX."""
    monkeypatch.setattr(type(LEARNERS), "__getitem__", lambda *_: NearestMeanConfig)
    monkeypatch.setattr(loading, "load", lambda *_: DATASET)
    monkeypatch.setattr(measuring, "forward_messages", lambda events: None)
    monkeypatch.setattr(supplement, "set_up_jax", lambda **_: None)


def make_task(**hyper):
    case = make_case("nearest_mean", train_images=60, **hyper)
    case.config["data"].update(validation_images=20, test_images=30)
    case = case.model_copy(update={"dataset_sha256": DATASET.sha256})
    return new_task(case, make_host(), (0,))


def test_the_record_is_complete_when_it_is_sent():
    events = Events()
    outcome = measure(make_task(), events)
    (measured,) = (event for event in events if isinstance(event, Measured))
    record = measured.record
    assert Record.model_validate_json(record.model_dump_json(by_alias=True)) == record
    assert record.run.status == "ok"
    assert record.run.resumed_from_epoch == 1
    assert record.time.compile_s == 0.25
    assert record.time.fit_s == 9.0  # as the history says, without checkpoints
    assert record.time.epoch_s == [2.0] * 3
    assert record.throughput.train_images_per_s == [50.0] * 3
    assert [entry.batch for entry in record.throughput.inference] == [1]
    assert (record.target.reached_epoch, record.target.reached_s) == (2, 6.0)
    assert record.cost.parameters == 7840
    assert np.sum(record.quality.confusion) == 30
    assert record.quality.test_accuracy == np.trace(record.quality.confusion) / 30
    assert set(measured.artifacts) == {"predictions.npz"}
    # What comes later changes nothing of it but what it adds.
    later = outcome.record
    assert later.quality.robustness
    quality = later.quality.model_copy(update={"robustness": None})
    assert later.model_copy(update={"quality": quality}) == record


def test_nothing_reaches_the_test_data_before_all_is_trained_and_chosen(monkeypatch):
    events, load = Events(), measuring._load
    opened = []

    class Sealed:
        """The test split, which may not be touched until the phase that is its own."""

        def __init__(self, split):
            self._split = split

        def __getattr__(self, name):
            phases = [event.phase for event in events if isinstance(event, Progress)]
            assert phases[-1] not in ("data", "prepare", "compile", "train", "measure"), name
            opened.append(name)
            return getattr(self._split, name)

        def __len__(self):
            return len(self._split)

    def sealed(task):
        splits, classes = load(task)
        return replace(splits, test=Sealed(splits.test)), classes

    monkeypatch.setattr(measuring, "_load", sealed)
    record = measure(make_task(), events).record
    assert record.run.status == "ok", record.run.error
    assert opened[0] == "images"
    free = measure_unsealed(monkeypatch, load)
    assert record.quality == free.quality


def measure_unsealed(monkeypatch, load):
    monkeypatch.setattr(measuring, "_load", load)
    return measure(make_task(), Events()).record


def test_what_is_added_after_the_record():
    events = Events()
    outcome = measure(make_task(), events)
    phases = [event.phase for event in events if isinstance(event, Progress)]
    assert phases[-3:] == ["robustness", "explanations", "pictures"]
    robustness = outcome.record.quality.robustness
    assert robustness.images == 3
    assert set(robustness.accuracy) == set(CORRUPTIONS)
    assert {len(values) for values in robustness.accuracy.values()} == {5}
    assert outcome.record.explanations == []
    pictures = {"confusion", "mistakes", "reliability", "robustness", "curves"}
    names = {"predictions.npz", *(f"{picture}.png" for picture in pictures)}
    assert set(outcome.artifacts) == names


def test_predictions_give_the_scores_again():
    outcome = measure(make_task(), Events())
    kind, content = outcome.artifacts["predictions.npz"]
    assert kind == "predictions"
    arrays = np.load(io.BytesIO(content))
    assert arrays["test"].shape == (30, 10)
    assert arrays["test"].dtype == np.float16
    assert arrays["validation"].shape == (20, 10)
    np.testing.assert_array_equal(DATASET.test.labels[arrays["test_index"]], arrays["test_labels"])
    np.testing.assert_array_equal(
        DATASET.train.labels[arrays["validation_index"]], arrays["validation_labels"]
    )
    calibration = outcome.record.quality.calibration
    scores = calibration_scores(arrays["test"].astype(np.float64), arrays["test_labels"])
    assert calibration.before.brier == pytest.approx(scores.brier, abs=2e-3)
    scaled = apply_temperature(arrays["test"].astype(np.float64), calibration.temperature)
    after = calibration_scores(scaled, arrays["test_labels"])
    assert calibration.after.brier == pytest.approx(after.brier, abs=2e-3)


@pytest.mark.parametrize("name", supplement.SUPPLEMENTS)
def test_what_fails_after_the_record_is_a_warning(name, monkeypatch, caplog):
    def fail(record, measurement):
        raise RuntimeError("no\nroom")

    whole = measure(make_task(), Events())
    monkeypatch.setitem(supplement.SUPPLEMENTS, name, fail)
    with caplog.at_level(logging.WARNING, "fmnist_jax"):
        outcome = measure(make_task(), Events())
    assert caplog.messages == [
        f"nearest_mean was measured, but without {name}: RuntimeError: no room"
    ]
    assert outcome.record.run.status == "ok"
    assert outcome.record.quality.test_accuracy == whole.record.quality.test_accuracy


@pytest.mark.parametrize("kind", ["a point of a grid", "a task without supplements"])
def test_what_gets_no_supplements_has_its_predictions_and_nothing_more(kind):
    task = make_task()
    point = task.case.model_copy(update={"point": {"error": ""}})
    case = point if kind == "a point of a grid" else task.case
    supplements = kind == "a point of a grid"
    outcome = measure(new_task(case, task.host, task.cores, supplements=supplements), Events())
    assert set(outcome.artifacts) == {"predictions.npz"}
    assert outcome.record.quality.robustness is None
    assert outcome.record.quality.calibration is not None


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        ("diverged", "diverged", "the loss is nan in epoch 1"),
        ("memory", "oom", "MemoryError:"),
        ("RESOURCE_EXHAUSTED: 9 GiB", "oom", "ValueError: RESOURCE_EXHAUSTED: 9 GiB and more"),
        ("expected [b, h, w, c]", "failed", "ValueError: expected [b, h, w, c] and more"),
    ],
)
def test_a_case_that_fails_leaves_a_record_of_why(error, status, text):
    events = Events()
    outcome = measure(make_task(error=error), events)
    run = outcome.record.run
    assert (run.status, run.error) == (status, text)
    assert outcome.record.time.total_s >= outcome.record.time.fit_s
    assert outcome.artifacts == {}
    assert not any(isinstance(event, Measured) for event in events)


def test_other_work_on_the_cores_is_in_every_record(monkeypatch):
    monkeypatch.setattr(
        measuring, "ContentionMonitor", lambda cores: SimpleNamespace(detected=True)
    )
    for error in ("", "why"):
        assert measure(make_task(error=error), Events()).record.run.contended


def test_data_that_changed_meanwhile_is_named():
    task = make_task()
    other = task.case.model_copy(update={"dataset_sha256": "0" * 64})
    outcome = measure(new_task(other, task.host, task.cores), Events())
    assert "changed while the suite was running" in outcome.record.run.error
