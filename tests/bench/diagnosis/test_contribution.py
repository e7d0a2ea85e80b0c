from pathlib import Path

from bench.diagnosis import contribution
from bench.diagnosis.finding import Situation
from bench.records.schema import Costs, Probe
from fmnist_jax.learner import default_models
from tests.support.factory import FOLDER, make_case, make_host, make_record


def clean(model="cnn", **options):
    record = make_record(make_case(model), **options)
    return changed(record, "code", commit="a" * 40, dirty=False)


def changed(record, part, **fields):
    return record.model_copy(update={part: getattr(record, part).model_copy(update=fields)})


def whole():
    return [clean(model) for model in default_models()]


def only(records):
    (found,) = contribution.judge("test-cpu-2c", records)
    return found


def test_a_whole_clean_folder_is_fit():
    found = only(whole())
    assert found.status == "ok"
    assert found.facts["fit"]
    assert found.remedy == "git add results/test-cpu-2c"


def test_each_flaw_is_named_with_its_models_and_its_command():
    first, *others = whole()
    for part, fields, text in (
        ("run", {"contended": True}, "timed beside other work"),
        ("code", {"dirty": True}, "made by code that no commit has"),
        ("code", {"commit": None, "dirty": None}, "made by code that no commit has"),
        ("case", {"synthetic": True}, "made of synthetic data"),
        ("machine", {"probe": Probe(matmul_flops=None, bandwidth_bytes=1e10)}, "without a probe"),
        (
            "machine",
            {"probe": Probe(matmul_flops=6e10, bandwidth_bytes=1e10)},
            "probed at less than two thirds",
        ),
    ):
        found = only([changed(first, part, **fields), *others])
        assert found.status == "warning"
        assert not found.facts["fit"]
        assert f"{first.case.model} {text}" in found.text
        assert f"run {first.case.model} --fresh --jobs 1" in found.remedy


def test_training_faster_than_the_probe_is_no_probe():
    first, *others = whole()
    fast = first.model_copy(update={"cost": Costs(flops_per_image=10**9)})  # 9e11 FLOP/s
    assert "faster in training than the machine's probe" in only([fast, *others]).text


def test_a_model_that_is_missing_is_named():
    found = only([record for record in whole() if record.case.model != "knn"])
    assert "no finished record of knn" in found.text
    assert "run knn" in found.remedy


def test_the_newest_finished_record_of_a_case_counts():
    old = changed(clean(), "run", contended=True)
    failed = clean(status="failed", at=9)
    point = changed(clean(at=9), "case", point={"epochs": 3})
    new = clean(at=5)
    assert contribution.newest([new, failed, old, point]) == [new]


def test_own_records_are_judged_and_others_only_where_there_is_none(tmp_path):
    theirs = changed(clean(host=make_host(id="other-2c")), "run", folder=None, contended=True)
    records = (*whole(), theirs)
    host = make_host()
    (tmp_path / ".folder-id").write_text(FOLDER)
    (found,) = contribution.examine(Situation(tmp_path, host=host, records=records))
    assert found.facts["machine"] == "test-cpu-2c"
    (tmp_path / ".folder-id").unlink()
    first, *others = contribution.examine(Situation(tmp_path, host=host, records=records))
    assert "no record of your own" in first.text
    assert {found.facts["machine"] for found in others} == {"test-cpu-2c", "other-2c"}
    assert {(found.status, found.remedy) for found in others} == {("ok", "")}


def test_an_empty_folder_says_how_to_fill_it():
    (found,) = contribution.examine(Situation(Path("/nowhere")))
    assert "python -m bench run --all" in found.remedy
    assert not found.text.endswith(":")
