"""The section, from records of machines that are made up."""

import csv
import io
import json

import pytest

from bench.records.schema import Costs, Energy, Inference, Probe, Throughput
from bench.reporting.frames import records_to_frame
from bench.reporting.rendering.console import PlainConsole
from bench.reporting.rendering.formats import render, to_rows
from bench.reporting.sections.compare import section, show_ratio
from tests.support.factory import compiled, make_case, make_host, make_record

RATES = [1.0, *(100.0 + n for n in range(9))]  # the first epoch is left out
COSTS = Costs(flops_per_image=10**8, bytes_per_image=10**6)


def on(machine, model="cnn", *, speed=1.0, contended=False, flops=1e11, **options):
    probe = Probe(matmul_flops=flops, bandwidth_bytes=1e10)
    record = make_record(
        make_case(model), host=make_host(id=machine, probe=probe), contended=contended, **options
    )
    latencies = [1e-3 / speed * (1 + n / 100) for n in range(9)]
    return record.model_copy(
        update={
            "throughput": Throughput(
                train_images_per_s=[speed * rate for rate in RATES],
                inference=[Inference(batch=b, latency_s=latencies) for b in (1, 1000)],
            ),
            "cost": COSTS,
            "target": record.target.model_copy(update={"reached_s": 10.0 / speed}),
        }
    )


def frame(*records):
    return records_to_frame(list(records))


def rows(*records, part="speed", **options):
    found = to_rows(section(**options), frame(*records))
    return [row for row in found if row["part"] == part]


def shown(*records, width=200, **options):
    console = PlainConsole(width=width, file=io.StringIO())
    console.print(render(section(**options), frame(*records), "rich", width))
    return console.file.getvalue()


def test_ratios_are_of_the_machine_over_the_first_to_have_run():
    (row,) = rows(on("a-2c"), on("b-4c", speed=2.0, at=1))
    assert (row["baseline"], row["machine"]) == ("a-2c", "b-4c")
    for measure in ("train", "predict", "latency", "target"):
        assert row[f"{measure}_ratio"] == pytest.approx(2.0), measure
    assert (row["train_baseline"], row["train_value"]) == (104, 208)
    assert row["train_mark"] == row["predict_mark"] == row["latency_mark"] == "+"
    assert (row["target_mark"], row["target_p"]) == ("", None)
    assert row["accuracy_difference"] == 0
    assert row["accuracy_mark"] == "~"
    assert row["compile_ratio"] is None


def test_another_baseline_turns_them():
    (row,) = rows(on("a-2c"), on("b-4c", speed=2.0, at=1), baseline="b-4c")
    assert (row["machine"], row["train_mark"]) == ("a-2c", "-")
    assert row["train_ratio"] == pytest.approx(0.5)


def test_only_the_named_machines_are_shown():
    records = [on(machine, at=n) for n, machine in enumerate(("a-2c", "b-4c", "c-8c"))]
    assert [row["machine"] for row in rows(*records)] == ["b-4c", "c-8c"]
    assert [row["machine"] for row in rows(*records, names=("c-8c",))] == ["c-8c"]
    assert rows(*records, names=("a-2c",)) == []


def test_the_machines_of_a_model_stand_side_by_side_and_the_best_model_first():
    records = [
        on(machine, model, accuracy=accuracy, at=at)
        for at, machine in enumerate(("a-2c", "c-8c", "b-4c"))
        for model, accuracy in (("knn", 0.8), ("cnn", 0.9))
    ]
    found = [(row["model"], row["machine"]) for row in rows(*records)]
    assert found == [("cnn", "b-4c"), ("cnn", "c-8c"), ("knn", "b-4c"), ("knn", "c-8c")]


def test_a_training_ratio_is_taken_apart():
    """By hand: 104 images/s x 3 x 1e8 FLOP is 31% of 1e11, and 208 of them 16% of 4e11."""
    (row,) = rows(on("a-2c"), on("b-4c", speed=2.0, flops=4e11, at=1), part="limits")
    assert row["limit_ratio"] == pytest.approx(4.0)
    assert row["use_ratio"] == pytest.approx(0.5)
    assert row["limit_ratio"] * row["use_ratio"] == pytest.approx(row["train_ratio"])
    assert row["share_baseline"] == pytest.approx(0.312)
    assert row["share"] == pytest.approx(0.156)
    assert (row["bound_baseline"], row["bound"]) == ("arithmetic", "overhead")
    assert (row["matmul_baseline"], row["matmul"]) == (1e11, 4e11)


def test_compiling_is_of_every_start_that_compiled_with_the_newest_code():
    (row,) = rows(
        compiled(on("a-2c"), 99.0, commit="b"), compiled(on("a-2c", at=1), 4.0),
        compiled(on("a-2c", at=2), 6.0), compiled(on("a-2c", at=3), 0.1, cached=True),
        compiled(on("b-4c", at=4), 2.5),
    )  # fmt: skip
    assert (row["compile_baseline"], row["compile_value"]) == (5.0, 2.5)
    assert row["compile_ratio"] == 2
    assert (row["compile_baseline_samples"], row["compile_samples"]) == (2, 1)


def test_a_start_from_the_cache_alone_is_a_reason():
    cached = compiled(on("b-4c", at=1), 0.1, cached=True)
    (other,) = rows(compiled(on("a-2c"), 4.0), cached, part="not compared")
    assert other["reason"] == "compile: not measured on b-4c"


def test_a_timing_beside_other_work_is_never_without_its_star():
    text = shown(on("a-2c"), on("b-4c", speed=2.0, contended=True, at=1))
    (line,) = [line for line in text.splitlines() if "+0.00" in line]
    cells = [cell.strip() for cell in line.split("│")]
    assert cells.count("2.00× +*") == 3
    assert "2.00×*" in cells
    assert "* timed beside other work" in text


def test_what_one_machine_did_not_measure_is_listed():
    record = on("a-2c")
    measured = record.model_copy(update={"energy": Energy(train_j=5.0, source="rapl")})
    (other,) = rows(measured, on("b-4c", at=1), part="not compared")
    assert (other["mark"], other["reason"]) == ("x", "train energy: not measured on b-4c")
    (row,) = rows(measured, measured.model_copy(update={"machine": on("b-4c").machine}))
    assert row["train_energy_ratio"] == 1


def test_no_batch_in_common_is_a_reason():
    small = on("b-4c", at=1)
    inference = [Inference(batch=7, latency_s=[1.0])]
    throughput = small.throughput.model_copy(update={"inference": inference})
    found = rows(
        on("a-2c"), small.model_copy(update={"throughput": throughput}), part="not compared"
    )
    assert {row["reason"] for row in found} == {
        "prediction: no batch in common",
        "latency, 1 image: not measured on b-4c",
    }


def test_what_failed_and_what_cannot_be_compared_has_a_table_of_its_own():
    records = [
        on("a-2c"), on("b-4c", at=1), on("a-2c", "svm"), on("b-4c", "svm", status="oom"),
        on("a-2c", "knn"),
    ]  # fmt: skip
    text = shown(*records)
    assert "Not compared with a-2c" in text
    assert "oom on b-4c: because" in text
    assert "x: cannot be compared; !: failed on this machine" in text
    marks = {row["model"]: row["mark"] for row in rows(*records, part="not compared")}
    assert marks == {"svm": "!", "knn": "x"}


def test_what_differs_beside_hardware_is_said():
    other = on("b-4c", at=1)
    other = other.model_copy(update={"code": other.code.model_copy(update={"commit": "f" * 40})})
    assert "a-2c → b-4c beside hardware: commit none → fffffff" in shown(on("a-2c"), other)
    assert "a-2c and b-4c: the same software and code" in shown(on("a-2c"), on("b-4c", at=1))


@pytest.mark.parametrize("width", [40, 80, 120, 200])
def test_no_line_is_wider_than_the_terminal(width):
    text = shown(on("a-2c"), on("b-4c", at=1), on("c-8c", at=2), on("a-2c", "knn"), width=width)
    assert max(map(len, text.splitlines())) <= width
    assert "2.00×" not in text


def test_csv_and_json_hold_the_samples_behind_a_ratio():
    data = frame(on("a-2c"), on("b-4c", speed=2.0, at=1))
    parsed = json.loads(render(section(), data, "json"))
    lines = list(csv.DictReader(io.StringIO(render(section(), data, "csv"))))
    assert len(parsed) == len(lines) == 2  # speed, limits
    assert parsed[0]["train_samples"] == 9
    assert float(lines[0]["train_p"]) == pytest.approx(parsed[0]["train_p"])


def test_one_machine_or_none_is_no_table():
    assert rows() == rows(on("a-2c")) == []


def test_ratios_of_any_size_are_short():
    assert [show_ratio(r) for r in (0.0123, 0.28, 9.994, 123.4)] == [
        "0.0123×", "0.28×", "9.99×", "123×",
    ]  # fmt: skip
