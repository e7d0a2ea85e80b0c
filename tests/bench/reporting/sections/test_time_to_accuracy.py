"""Whole trainings, added up by hand."""

import statistics

import pytest

from bench.reporting.frames import records_to_frame
from bench.reporting.rendering.formats import to_rows
from bench.reporting.section import SECTIONS
from tests.support.factory import FOLDER, make_case, make_record


def trained(seed, epochs, accuracy, **time):
    record = make_record(make_case("cnn", seed=seed), at=seed)
    given = {"initialise_s": 0.5, "epoch_s": epochs, "evaluate_s": 1.0} | time
    confusion = [[0] * 10 for _ in range(10)]
    confusion[0][0], confusion[0][1] = accuracy, 1000 - accuracy
    quality = record.quality.model_copy(
        update={"confusion": confusion, "test_accuracy": accuracy / 1000}
    )
    return record.model_copy(
        update={"time": record.time.model_copy(update=given), "quality": quality}
    )


def section(*records):
    return to_rows(SECTIONS["time_to_accuracy"](), records_to_frame(list(records), FOLDER))


def test_the_clock_covers_first_weights_steps_and_the_last_evaluation():
    (row,) = section(trained(0, [2.0, 3.0], 925), trained(1, [4.0, 3.0], 937))
    assert (row["mean_s"], row["seeds"], row["epochs"]) == (7.5, 2, 2)
    assert row["model"] == "cnn"
    assert row["std_s"] == pytest.approx(statistics.stdev([6.5, 8.5]))
    assert row["mean_accuracy"] == pytest.approx(0.931)
    assert row["std_accuracy"] == pytest.approx(statistics.stdev([0.925, 0.937]))
    assert row["reaches"] == 0.93


def test_no_target_is_reached_below_the_lowest():
    (row,) = section(trained(0, [2.0], 919))
    assert row["reaches"] is None


def test_a_training_without_epochs_or_without_the_first_weights_time_has_no_row():
    assert section(trained(0, [], 925), make_record(make_case("knn"))) == []
    assert section(trained(0, [2.0], 925, initialise_s=None)) == []
