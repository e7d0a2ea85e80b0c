import csv
import io
import json

import pytest
from rich.console import Console

from bench.plan import cases as plan
from bench.plan import load as config
from bench.plan.plan import Plan
from bench.records.identity import digest_config
from bench.reporting import progress
from bench.reporting.frames import records_to_frame
from bench.reporting.rendering.formats import render, to_csv, to_json, to_rows
from bench.reporting.section import get_sections, tables
from bench.reporting.sections.grid import describe_point
from bench.reporting.summary import print_report
from tests.support.factory import make_case, make_host, make_record


class Named:
    name, sha256, synthetic = "fashion_mnist", "0" * 64, False


def cases(**fields):
    return plan.make_cases(Plan(**fields), Named())


def make_point(model="svm", seed=0, dataset="fashion_mnist", train_images=10_000, **varied):
    case = make_case(model, seed, dataset, train_images, **varied)
    digest = digest_config(case.config, varied)
    return case.model_copy(update={"point": varied, "config_hash": digest})


def test_a_table_is_multiplied_out():
    given = {"svm": {"C": [1, 10.0], "kernel": ["rbf", "poly"]}}
    made = cases(grid=given, seeds=2)
    assert {case.model for case in made} == {"svm"}  # the grid says what is run
    points = [(case.point["C"], case.point["kernel"], case.seed) for case in made]
    assert points == [(C, k, s) for C in (1.0, 10.0) for k in ("rbf", "poly") for s in (0, 1)]
    assert all(case.config["model"].items() >= case.point.items() for case in made)
    assert len({case.config_hash for case in made}) == 4


def test_tables_of_one_family_are_run_one_after_the_other():
    given = [{"loss": ["hinge"], "C": [1.0, 2.0]}, {"penalty": ["l1", "l2"]}]
    points = [case.point for case in cases(grid={"linear_svc": given})]
    assert points == [
        {"loss": "hinge", "C": 1.0},
        {"loss": "hinge", "C": 2.0},
        {"penalty": "l1"},
        {"penalty": "l2"},
    ]


def test_a_model_without_a_grid_is_one_case_beside_it():
    made = cases(
        models=("knn", "svm"), grid={"svm": {"C": [1.0, 2.0]}}, model={"svm": {"gamma": 1}}
    )
    assert [(case.model, case.point) for case in made] == [
        ("knn", None),
        ("svm", {"C": 1.0}),
        ("svm", {"C": 2.0}),
    ]
    assert made[1].config["model"]["gamma"] == 1.0


def test_a_longer_list_keeps_the_cases_that_were_there():
    before = {case.config_hash for case in cases(grid={"svm": {"C": [1.0, 10.0]}})}
    after = {case.config_hash for case in cases(grid={"svm": {"C": [0.1, 1, 10]}})}
    assert before < after


def test_set_changes_a_grid():
    loaded = config.load("official-grid", ["grid.knn.p=[2]", "data.train_images=500"])
    assert len(loaded.points("knn")) == 3 * 2
    assert {point["p"] for point in loaded.points("knn")} == {2}


def grids(records):
    (section,) = get_sections(["grid"])
    return tables(section, records_to_frame(list(records)))


def families(records):
    (grid,) = grids(records)
    return grid.rows.to_dict("records")


def test_the_best_is_chosen_on_validation():
    def at(C, validation, test):  # noqa: N803
        record = make_record(make_point(C=C), accuracy=test)
        quality = record.quality.model_copy(update={"validation_accuracy": validation})
        return record.model_copy(update={"quality": quality})

    (family,) = families([at(1.0, 0.84, 0.90), at(10.0, 0.86, 0.85), at(100.0, 0.85, 0.91)])
    assert family["best"] == {"C": 10.0}
    assert (family["validation_accuracy"], family["test_accuracy"]) == (0.86, 0.85)


def test_every_configuration_is_counted_once_by_how_it_ended():
    others = make_host(id="other-4c")
    records = [
        make_record(make_point(C=1.0), status="timeout", at=0),
        make_record(make_point(C=1.0), at=1, host=others),  # it finished elsewhere, later
        make_record(make_point(C=1.0), status="failed", at=2),  # and that is not undone
        make_record(make_point(C=2.0), status="timeout"),
        make_record(make_point(C=3.0), status="failed", at=0),
        make_record(make_point(C=3.0), status="oom", at=1),
        make_record(make_point(C=4.0), status="interrupted"),
        make_record(make_point(C=5.0, seed=0)),
        make_record(make_point(C=5.0, seed=1), accuracy=0.8, contended=True),
        make_record(make_case("svm", C=6.0)),  # of no grid
    ]
    (family,) = families(reversed(records))
    counts = ("configurations", "finished", "timed_out", "failed")
    assert [family[name] for name in counts] == [5, 2, 1, 1]
    assert family["best"] == {"C": 1.0}  # 0.9, and 0.85 for the mean of two seeds
    assert (family["median_fit_s"], family["total_fit_s"]) == (12.5, 25.0)
    assert family["contended"]
    assert family["machines"] == ["other-4c", "test-cpu-2c"]


def test_a_family_of_which_nothing_finished_has_no_figures():
    records = [make_record(make_point(C=1.0), status="timeout")]
    (row,) = to_rows(get_sections(["grid"])[0], records_to_frame(records))
    assert (row["finished"], row["timed_out"], row["official"]) == (0, 1, 0.897)
    assert row["best"] is row["test_accuracy"] is row["median_fit_s"] is None


def test_what_cannot_be_compared_has_tables_of_its_own():
    found = grids(
        [
            make_record(make_point(dataset="synthetic", C=1.0)),
            make_record(make_point(C=1.0)),
            make_record(make_point(train_images=None, C=1.0)),
        ]
    )
    assert sorted((t.title, t.synthetic) for t in found) == [
        ("Grid on fashion_mnist", False),
        ("Grid on fashion_mnist, 10,000 training images", False),
        ("Grid on synthetic, 10,000 training images", True),
    ]
    assert found[-1].synthetic
    assert found[-1].rows["official"].isna().all()
    assert [float(table.rows["official"].iloc[0]) for table in found[:2]] == [0.897, 0.897]


@pytest.fixture
def mixed():
    return [
        make_record(make_case("svm"), accuracy=0.89, at=0),
        make_record(make_point(C=1.0, kernel="rbf"), accuracy=0.7, at=1, contended=True),
    ]


def test_the_accuracy_table_is_not_disturbed(mixed):
    (section,) = get_sections(["accuracy"])
    both, alone = (to_rows(section, records_to_frame(records)) for records in (mixed, mixed[:1]))
    assert both == alone


def test_every_format_shows_both(mixed):
    frame = records_to_frame(mixed)
    rows = [row for name in ("accuracy", "grid") for row in to_rows(get_sections([name])[0], frame)]
    parsed = json.loads(to_json(rows))
    assert [(row["section"], row["test_accuracy"]) for row in parsed] == [
        ("accuracy", 0.89),
        ("grid", 0.7),
    ]
    assert parsed[1]["best"] == {"C": 1.0, "kernel": "rbf"}
    lines = list(csv.DictReader(io.StringIO(to_csv(rows))))
    assert [line["finished"] for line in lines] == ["", "1"]
    assert json.loads(lines[1]["best"]) == parsed[1]["best"]
    (section,) = get_sections(["grid"])
    text = render(section, frame, "markdown").splitlines()
    assert text[0] == "**Grid on fashion_mnist, 10,000 training images**"
    assert len({line.count("|") for line in text[2:5]}) == 1
    assert "C=1, kernel=rbf" in text[4]
    assert r"12.5 s\*" in text[4]
    assert any("arXiv 1708.07747" in line for line in text)
    assert render(section, records_to_frame([]), "markdown") == ""


def test_the_closing_report_has_the_families_and_names_each_failure(tmp_path):
    from bench.records import store

    for record in (
        make_record(make_point(C=1.0)),
        make_record(make_point(C=100.0), status="timeout", at=1),
    ):
        store.write(tmp_path, record, {})
    screen = Console(file=io.StringIO(), width=150, record=True)
    print_report(screen, list(store.read(tmp_path)), 1.0)
    shown = screen.export_text()
    assert "Grid on fashion_mnist" in shown
    assert "svm C=100 timeout: because" in shown
    assert "Pictures" not in shown


def test_a_point_in_words():
    varied = {"C": 100.0, "kernel": "rbf", "hidden": [10, 10], "n": 5}
    assert describe_point(varied) == "C=100, kernel=rbf, hidden=[10, 10], n=5"
    nested = {"augment": {"flip": True, "alternate": False, "shift": 1, "erase": 0.0}, "rate": 0.01}
    assert describe_point(nested) == "augment=(flip shift=1), rate=0.01"
    assert progress.name(make_point(seed=1, C=0.1)) == "svm#1 C=0.1"
