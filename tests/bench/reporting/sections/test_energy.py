"""Joules in records against joules in the table."""

from bench.records.schema import Energy
from bench.reporting.frames import records_to_frame
from bench.reporting.rendering.formats import to_rows
from bench.reporting.section import SECTIONS
from tests.support.factory import FOLDER, make_case, make_record


def test_energy_is_derived_from_the_epochs_and_shown_where_it_was_measured():
    energy = Energy(
        train_j=100.0, epoch_j=[40.0, 20.0, 30.0], predict_j_per_image=0.002, source="nvml"
    )
    record = make_record(make_case("cnn"))
    target = record.target.model_copy(update={"reached_s": 2.0, "reached_epoch": 2})
    metered = record.model_copy(update={"energy": energy, "target": target})
    frame = records_to_frame([metered, make_record(make_case("knn"))], FOLDER)
    (row,) = to_rows(SECTIONS["energy"](), frame)
    assert row["model"] == "cnn"
    assert [row[name] for name in ("train_j", "target_j", "epoch_j")] == [100, 60, 25]
    assert row["predict_1000_j"] == 2
