"""The charts of what others report, and of other frameworks, have the figures of their tables."""

import pytest

from bench.peers import schema
from bench.reporting.html.charts import CHARTS
from bench.reporting.html.source import read_source
from tests.bench.reporting.sections.test_peers import comparison
from tests.support.factory import make_case, make_host, make_record
from tests.support.results_folder import HOSTILE, add


def views(results, name):
    chart = CHARTS[name](read_source(results))
    return {(view.group, view.label): {t["name"]: t for t in view.data} for view in chart.views}


def test_ours_stands_beside_the_official_figure_and_the_course_projects(tmp_path):
    add(tmp_path, make_record(make_case("mlp"), accuracy=0.89))
    (traces,) = views(tmp_path, "official").values()
    assert set(traces) == {"this suite", "official benchmark", "course project"}
    assert traces["this suite"]["x"] == [89.0]
    assert traces["official benchmark"]["x"] == [87.1]
    assert traces["course project"]["x"] == [85.0]
    assert {tuple(trace["y"]) for trace in traces.values()} == {("mlp",)}
    bars = traces["this suite"]["error_x"]
    assert 0 < bars["array"][0] < 10
    assert 0 < bars["arrayminus"][0] < 10


def test_several_seeds_are_dots_of_their_own(tmp_path):
    for seed, accuracy in enumerate((0.88, 0.9)):
        add(tmp_path, make_record(make_case("mlp", seed=seed), accuracy=accuracy, at=seed))
    (traces,) = views(tmp_path, "official").values()
    assert traces["this suite"]["x"] == [89.0]
    assert sorted(traces["its seeds"]["x"]) == [88.0, 90.0]


def test_each_machine_has_a_view_of_the_official_figures(tmp_path):
    for machine in ("one", "two"):
        add(tmp_path, make_record(make_case("mlp"), host=make_host(id=machine)))
    assert {label for _, label in views(tmp_path, "official")} == {"one", "two"}


@pytest.mark.parametrize(
    "case",
    [
        make_case("knn", dataset="synthetic"),
        make_case("mlp", train_images=100),
        make_case("lenet"),
    ],
)
def test_what_nobody_reports_has_no_chart(tmp_path, case):
    add(tmp_path, make_record(case))
    assert CHARTS["official"](read_source(tmp_path)) is None


def test_ratios_are_those_of_the_table(tmp_path):
    schema.write(tmp_path, comparison())
    found = views(tmp_path, "peers")
    heading = "some-cpu-2c, float32, 2 threads"
    assert set(found) == {(heading, "training, batch 128"), (heading, "prediction, batch 1")}
    trace = found[heading, "training, batch 128"]["cnn"]
    ratios = dict(zip(trace["y"], trace["x"], strict=True))
    assert ratios["eager"] == 2.0  # of 2, 2 and 3 by round
    assert ratios["fit"] == 4.0  # of 4 and 4, the third is missing
    assert "compiled" not in ratios  # it was not measured
    assert "fmnist-jax" not in ratios
    place = trace["y"].index("eager")
    assert trace["customdata"][place] == [2.0, 3.0]
    assert trace["error_x"]["array"][place] == 1.0
    assert trace["error_x"]["arrayminus"][place] == 0.0


def test_a_comparison_beside_other_work_is_hollow(tmp_path):
    schema.write(tmp_path, comparison().model_copy(update={"contended": True}))
    for traces in views(tmp_path, "peers").values():
        assert set(traces["cnn"]["marker"]["symbol"]) == {"circle-open"}


def test_names_of_a_comparison_are_no_markup(tmp_path):
    made = comparison()
    entries = tuple(
        entry.model_copy(update={"model": HOSTILE, "name": entry.name + HOSTILE})
        for entry in made.entries
    )
    schema.write(tmp_path, made.model_copy(update={"entries": entries}))
    found = str(CHARTS["peers"](read_source(tmp_path)).to_json())
    assert "evil" in found
    assert "<b>" not in found
