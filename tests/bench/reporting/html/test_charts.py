"""The charts are what plotly takes, and their figures are those of the records."""

import copy

import pandas as pd
import pytest

from bench.reporting.comparison.rows import SPEED, query
from bench.reporting.html.charts import CHARTS
from bench.reporting.html.charts.tradeoff import pareto
from bench.reporting.html.source import read_source
from tests.contract.test_reporting import RESULTS, whole
from tests.support.factory import make_case, make_host, make_record
from tests.support.results_folder import add, fill, fill_crowd


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    fill(folder)
    return read_source(folder)


@pytest.fixture(scope="module")
def committed():
    return read_source(RESULTS)


def merge(*parts):
    """What the page's script does with the parts of a trace."""
    result = {}
    for part in parts:
        for name, value in part.items():
            nested = isinstance(value, dict) and isinstance(result.get(name), dict)
            result[name] = merge(result[name], value) if nested else copy.deepcopy(value)
    return result


def views(source, name):
    """The views of a chart, by group and label."""
    return {(view.group, view.label): view for view in CHARTS[name](source).views}


@pytest.mark.parametrize("name", CHARTS)
@pytest.mark.parametrize("folder", ["source", "committed"])
def test_every_view_is_a_figure_that_plotly_accepts(name, folder, request):
    import plotly.graph_objects as go

    chart = CHARTS[name](request.getfixturevalue(folder))
    assert chart is not None
    for view in chart.views[:8]:
        traces = [merge(chart.trace, trace) for trace in view.data]
        go.Figure({"data": traces, "layout": merge(chart.layout, view.layout)})
        assert all("meta" in trace or trace["type"] == "heatmap" for trace in traces)
        assert all("color" not in str(trace) for trace in traces)  # the theme is the page's


@pytest.mark.parametrize("name", CHARTS)
def test_without_records_there_is_no_chart(name, tmp_path):
    assert CHARTS[name](read_source(tmp_path)) is None


def test_a_front_has_what_nothing_beats():
    rows = pd.DataFrame(
        {"cost": [1.0, 2.0, 3.0, 3.0, 4.0], "test_accuracy": [0.5, 0.8, 0.7, 0.9, 0.9]}
    )
    assert list(pareto(rows, "cost", lower=True).index) == [0, 1, 3]
    assert list(pareto(rows, "cost", lower=False).index) == [4]


def test_costs_that_no_record_has_are_left_out(source, committed):
    measured, without = (
        {label for _, label in views(given, "tradeoff")} for given in (source, committed)
    )
    assert "train time, s" in measured & without
    assert "train energy, J" in measured - without


def test_of_many_machines_each_has_a_view(tmp_path):
    fill_crowd(tmp_path, machines=6, models=("cnn", "svm"))
    found = views(read_source(tmp_path), "tradeoff")
    groups = {group for group, _ in found}
    assert len(groups) == 7
    (everyone,) = [v for (g, label), v in found.items() if "machine" not in g and "time" in label]
    assert [t["name"] for t in everyone.data if "front" in t["name"]] == [
        "Pareto front, all machines"
    ]


def test_confusion_counts_are_the_records(source):
    view = views(source, "confusion")["one", "cnn"]
    (trace,) = view.data
    assert trace["text"][0][:2] == [93, 7]
    assert trace["z"][0][:2] == [93.0, 7.0]


def test_time_to_accuracy_rises(committed):
    for view in CHARTS["time_to_accuracy"](committed).views:
        for trace in view.data:
            assert trace["y"] == sorted(trace["y"])
            assert trace["x"] == sorted(trace["x"])


def test_ratios_are_those_of_compare(source, committed):
    for given in (source, committed):
        rows = query(given.records, (), None)
        rows = rows[rows["part"] == SPEED].set_index(["model", "machine"])
        drawn = [
            (trace["name"], machine, x)
            for (_, label), view in views(given, "hardware").items()
            if label == "training"
            for trace in view.data
            for machine, x in zip(trace["y"], trace["x"], strict=True)
        ]
        assert drawn
        for model, machine, x in drawn:
            assert x == pytest.approx(rows.loc[(model, machine), "train_ratio"], rel=1e-3)


def test_cases_that_cannot_be_compared_give_no_chart(tmp_path):
    add(tmp_path, make_record(make_case("svm", C=1.0), host=make_host(id="one")))
    add(tmp_path, make_record(make_case("svm", C=9.0), host=make_host(id="two")))
    assert CHARTS["hardware"](read_source(tmp_path)) is None


def test_reliability_is_of_the_stored_predictions(source):
    view = views(source, "calibration")["one", "as predicted"]
    line = view.data[1]
    assert line["x"] == [pytest.approx(82, abs=0.1)]
    assert line["y"] == [75.0]
    assert line["customdata"] == [40]


def test_robustness_begins_with_clean_images(source):
    view = views(source, "robustness")["one", "rotate"]
    assert view.data[0]["y"][:3] == [93.0, 90.0, 80.0]


def test_learning_has_both_clocks(source):
    found = views(source, "learning")
    assert [t["x"] for t in found["one", "accuracy over epochs"].data[:1]] == [[1.0, 2.0]]
    assert [t["x"] for t in found["one", "accuracy over seconds"].data[:1]] == [[1.5, 3.0]]


def test_runs_of_several_seeds_are_told_apart(tmp_path):
    for seed in (0, 1):
        record = whole("cnn")
        case = record.case.model_copy(update={"seed": seed})
        add(tmp_path, record.model_copy(update={"case": case}))
    view = views(read_source(tmp_path), "time_to_accuracy")
    (traces,) = [v.data for v in view.values()]
    assert [trace["name"] for trace in traces] == ["cnn, seed 0", "cnn, seed 1"]
