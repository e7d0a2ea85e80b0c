"""A row for each configuration of the networks that are run when named."""

import pytest

from bench.reporting.frames import records_to_frame
from bench.reporting.query import mean_interval, wilson
from bench.reporting.section import get_sections, tables
from tests.bench.reporting.sections.test_grid import make_point
from tests.support.factory import make_case, make_record


def test_each_configuration_has_a_row_over_its_seeds():
    def transfer(mode, seed, accuracy, **options):
        return make_record(make_point("transfer", seed, mode=mode), accuracy=accuracy, **options)

    records = [
        transfer("frozen", 0, 0.5, at=0),
        transfer("frozen", 0, 0.7, at=1),  # the newer one counts
        transfer("frozen", 1, 0.8),
        transfer("scratch", 0, 0.9, contended=True),
        transfer("finetune", 0, 0.99, status="failed"),
        make_record(make_case("hybrid", train_images=10_000, epochs=3), accuracy=0.6),
        make_record(make_point("svm", C=1.0), accuracy=0.95),
    ]
    (table,) = tables(*get_sections(["experiments"]), records_to_frame(records))
    rows = table.rows.to_dict("records")
    assert [(row["model"], row["point"], row["seeds"]) for row in rows] == [
        ("transfer", {"mode": "scratch"}, 1),
        ("transfer", {"mode": "frozen"}, 2),
        ("hybrid", {}, 1),
    ]
    scratch, frozen, hybrid = rows
    assert hybrid["epochs"] == 3
    assert scratch["contended"]
    assert not frozen["contended"]
    assert frozen["test_accuracy"] == pytest.approx(0.75)
    assert (frozen["interval_low"], frozen["interval_high"]) == wilson(750, 1000)
    assert (frozen["seeds_low"], frozen["seeds_high"]) == pytest.approx(mean_interval([0.7, 0.8]))
