"""What every metric and every section has to do."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.peers.frame import to_frame as peers_to_frame
from bench.records import store
from bench.records.quality import Calibration, HistoryPoint, Robustness, Scores
from bench.records.schema import Energy, Explanation
from bench.reporting.frames import read_frames, records_to_frame
from bench.reporting.metric import METRICS
from bench.reporting.rendering.formats import render, to_rows
from bench.reporting.section import FLAGS, SECTIONS, get_sections, tables
from tests.bench.reporting.sections.test_peers import comparison
from tests.support.factory import FOLDER, make_case, make_host, make_record

RESULTS = Path(__file__).parents[2] / "results"
FORMATS = ("rich", "markdown", "csv", "json", "html")


def whole(model="cnn", **options):
    """A record in which nothing is missing that a section could show."""
    record = make_record(make_case(model), **options)
    scores = Scores(ece_equal_width=0.02, ece_equal_mass=0.03, brier=0.1, nll=0.3)
    quality = record.quality.model_copy(
        update={
            "history": [point(epoch) for epoch in (1, 2)],
            "calibration": Calibration(temperature=1.5, before=scores, after=scores),
            "robustness": Robustness(images=10, seed=0, accuracy={"rotate": [0.9, 0.8, 0.7] * 2}),
        }
    )
    explanations = [
        Explanation(
            method=method,
            layer=layer,
            images=8,
            maps_per_s=speed,
            faithfulness={"road_combined": 0.1, "sanity": None},
        )
        for method, layer, speed in (("gradcam", "features", 100.0), ("random", None, None))
    ]
    cost = record.cost.model_copy(update={"flops_per_image": 10**6, "bytes_per_image": 10**5})
    energy = Energy(train_j=9.0, epoch_j=[4.0, 5.0], predict_j_per_image=0.1, source="rapl")
    target = record.target.model_copy(update={"reached_s": 3.0, "reached_epoch": 2})
    time = record.time.model_copy(
        update={"initialise_s": 0.1, "epoch_s": [1.0, 1.1], "evaluate_s": 0.2}
    )
    return record.model_copy(
        update={
            "time": time,
            "quality": quality,
            "explanations": explanations,
            "cost": cost,
            "energy": energy,
            "target": target,
        }
    )


def point(epoch):
    return HistoryPoint(
        epoch=epoch,
        train_loss=1.0,
        train_accuracy=0.5,
        validation_loss=1.0,
        validation_accuracy=0.9,
        elapsed_s=1.5 * epoch,
    )


def grid_point(status):
    case = make_case("svm", C=1.0)
    return make_record(case.model_copy(update={"point": {"C": 1.0}}), status=status)


@pytest.fixture(scope="module")
def committed():
    return read_frames(RESULTS, folder="")


def frames():
    """What a results folder may hold, from nothing at all to everything."""
    failed = [make_record(status="failed"), grid_point("timeout")]
    other = whole(host=make_host(id="other-cpu-4c"), at=1)
    some = [whole(), whole("knn"), make_record(make_case("svm")), *failed, grid_point("ok"), other]
    some.append(whole("hybrid"))
    synthetic = make_record(make_case("cnn", dataset="synthetic"))
    return {
        "empty": ([], []),
        "one": ([make_record()], []),
        "failed": (failed, []),
        "whole": (some, [comparison()]),
        "synthetic": ([synthetic, *some], [comparison()]),
    }


@pytest.mark.parametrize("name", SECTIONS.catalogue)
@pytest.mark.parametrize("content", frames())
def test_a_section_renders_whatever_there_is_in_every_format(name, content):
    records, comparisons = frames()[content]
    check(SECTIONS[name](), records_to_frame(records, FOLDER), peers_to_frame(comparisons, FOLDER))


@pytest.mark.parametrize("name", SECTIONS.catalogue)
def test_a_section_renders_the_committed_records(name, committed):
    check(SECTIONS[name](), committed["records"], committed["peers"])


def check(section, records, peers):
    frame = {"records": records, "peers": peers}[section.source]
    before = frame.copy()
    found = tables(section, frame)
    for format_ in FORMATS:
        rendered = render(section, frame, format_, 100)
        if format_ != "rich":
            assert bool(rendered.strip("[]\n ")) == bool(found), f"{section.name} as {format_}"
    rows = to_rows(section, frame)
    assert json.loads(json.dumps(rows)) == rows
    assert len(rows) == sum(len(table.rows) for table in found)
    for table in found:
        assert set(FLAGS) <= set(table.rows), f"{section.name} cannot be marked"
        headings = [column.heading for column in table.columns]
        assert len(set(headings)) == len(headings), f"{section.name} has two equal headings"
        if table.synthetic:
            assert "SYNTHETIC" in render(section, frame, "markdown")
            assert "SYNTHETIC" in render(section, frame, "html")
    pd.testing.assert_frame_equal(frame, before)


def test_every_section_shows_something_of_a_whole_folder(tmp_path):
    records, comparisons = frames()["whole"]
    np.savez(tmp_path / "p.npz", test=np.eye(10), test_labels=np.arange(10))
    predicted = records_to_frame(records).assign(predictions=str(tmp_path / "p.npz"))
    frame = {"records": predicted, "peers": peers_to_frame(comparisons)}
    missing = [s.name for s in get_sections() if not tables(s, frame[s.source])]
    assert missing == []


@pytest.mark.parametrize("name", METRICS.catalogue)
def test_a_metric_is_a_figure_or_missing(name):
    metric = METRICS[name]
    for record in (whole(), make_record(), make_record(status="failed"), *committed_records()):
        value = metric(record)
        assert value is None or np.isfinite(value)
        if value is not None:
            assert metric.show(value).strip()
    assert metric.better in ("higher", "lower")
    unknown = set(metric.sections) - set(SECTIONS.catalogue)
    assert not unknown, f"{name} has a column in sections that do not exist: {unknown}"
    assert metric.function.__doc__, f"{name} does not say what it is"


def committed_records():
    return [stored.record for stored in list(store.read(RESULTS))[:3]]
