"""Which runs of two machines are compared, and what is said of the others."""

import pytest

from bench.reporting.comparison.comparable import (
    choose_baseline,
    find_pairs,
    machines,
    other_software,
)
from bench.reporting.frames import records_to_frame
from tests.support.factory import make_case, make_host, make_record

A, B = make_host(id="a-2c"), make_host(id="b-4c")


def on(host, model="cnn", *, dtype="float32", sha256="0", at=0, **options):
    hyper = options.pop("hyper", {})
    seed = options.pop("seed", 0)
    case = make_case(model, seed, **hyper).model_copy(update={"dataset_sha256": sha256 * 64})
    record = make_record(case, host=host, at=at, **options)
    software = record.software.model_copy(update={"compute_dtype": dtype})
    return record.model_copy(update={"software": software})


def pairs(*records):
    return list(find_pairs(records_to_frame(list(records)), "a-2c", "b-4c"))


def only(*records):
    (pair,) = pairs(*records)
    return pair


def test_the_first_machine_to_have_run_is_the_first():
    frame = records_to_frame([on(B, at=5), on(A, at=1), on(B, at=0, status="failed")])
    assert machines(frame) == ["a-2c", "b-4c"]


def test_the_baseline_is_the_machine_that_most_can_be_compared_with():
    old, new = {"epochs": 5}, {"epochs": 9}
    c = make_host(id="c-8c")
    records = [on(A, hyper=old), on(B, hyper=new, at=1), on(c, hyper=new, at=2)]
    assert choose_baseline(records_to_frame(records)) == "b-4c"
    assert choose_baseline(records_to_frame(records[:2])) == "a-2c"
    assert choose_baseline(records_to_frame([])) == ""


def test_equal_cases_are_a_pair_of_the_newest_run_of_each_seed():
    pair = only(on(A), on(A, seed=1), on(B, at=1), on(B, at=2), on(B, seed=1), on(B, seed=2))
    assert pair.reason == ""
    assert list(pair.baseline["case.seed"]) == list(pair.machine["case.seed"]) == [0, 1]
    assert pair.machine["run.started"].iloc[0].minute == 2
    assert [len(runs) for runs in pair.earlier] == [2, 4]


def test_an_older_config_that_both_have_is_better_than_none():
    old, new = {"epochs": 5}, {"epochs": 9}
    pair = only(on(A, hyper=old), on(B, hyper=old, at=1), on(B, hyper=new, at=2))
    assert pair.machine["case.config"].iloc[0]["model"] == old


def test_a_model_under_a_recipe_is_another_model():
    records = [on(A), on(B, at=1)]
    fast = {"epochs": 1}
    for number, host in enumerate((A, B)):
        record = on(host, hyper=fast, at=2 + number)
        case = record.case.model_copy(update={"recipe": "fast"})
        records.append(record.model_copy(update={"case": case}))
    assert [(pair.model, len(pair.machine)) for pair in pairs(*records)] == [
        ("cnn", 1),
        ("cnn-fast", 1),
    ]


def with_batch(record, batch):
    return record.model_copy(update={"cost": record.cost.model_copy(update={"batch_size": batch})})


def test_it_is_the_batch_that_was_trained_with_that_counts():
    automatic, explicit = {"batch_size": "auto"}, {"batch_size": 128}
    pair = only(with_batch(on(A, hyper=explicit), 128), with_batch(on(B, hyper=automatic), 128))
    assert pair.reason == ""
    pair = only(with_batch(on(A, hyper=automatic), 128), with_batch(on(B, hyper=automatic), 2048))
    assert pair.reason == "config: batch_size 128 and 2048"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"hyper": {"epochs": 5}}, "config: epochs None and 5"),
        ({"dtype": "bfloat16"}, "precision: float32 and bfloat16"),
        ({"sha256": "1"}, "other data"),
        ({"seed": 3}, "no seed in common"),
        (
            {"hyper": dict.fromkeys("abcde", 1)},
            "config: a None and 1, b None and 1, c None and 1, 2",
        ),
    ],
)
def test_what_keeps_runs_from_being_compared_is_named(change, reason):
    pair = only(on(A), on(B, **change))
    assert pair.mark == "x"
    assert pair.earlier is None
    assert pair.reason.startswith(reason)


def test_a_model_that_one_machine_lacks_or_failed_at():
    failed = on(B, "svm", status="oom")
    found = {pair.model: pair for pair in pairs(on(A), on(A, "svm"), failed, on(B, "knn"))}
    assert (found["cnn"].mark, found["cnn"].reason) == ("x", "not run on b-4c")
    assert (found["knn"].mark, found["knn"].reason) == ("x", "not run on a-2c")
    assert (found["svm"].mark, found["svm"].reason) == ("!", "oom on b-4c: because")


def test_points_of_a_grid_stay_out():
    point = on(B).model_copy(update={"case": on(B).case.model_copy(update={"point": {"k": 1}})})
    assert only(on(A), point).reason == "not run on b-4c"


def test_other_software_is_named():
    new = on(B)
    newer = new.model_copy(update={"software": new.software.model_copy(update={"jax": "0.11"})})
    pair = only(on(A), newer)
    assert other_software(pair.baseline, pair.machine) == {"jax": ("0.10.2", "0.11")}
    pair = only(on(A), new)
    assert other_software(pair.baseline, pair.machine) == {}


def test_another_share_of_the_cores_is_named():
    (one, other) = make_host(id="a-2c", cores=2), make_host(id="b-4c", cores=4)

    def difference(threads, more):
        runs = on(one, "svm"), on(other, "svm")
        pair = only(
            *(
                run.model_copy(update={"run": run.run.model_copy(update={"threads": number})})
                for run, number in zip(runs, (threads, more), strict=True)
            )
        )
        return other_software(pair.baseline, pair.machine)

    assert difference(2, 4) == {}
    assert difference(2, 1) == {"threads of svm": ("2", "1")}
