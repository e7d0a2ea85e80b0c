"""Explanations by several methods are shown where they are of a record of the page."""

import io
import json
import re

import numpy as np
import pytest
from PIL import Image

from bench.reporting.html.explained import read_explained
from bench.reporting.html.page import make_page
from bench.reporting.html.pictures import Album
from bench.reporting.html.source import read_source
from tests.support.factory import make_case, make_record
from tests.support.results_folder import HOSTILE, add

RUN = "00000000"


def picture(width):
    """A PNG file of noise."""
    content = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (100, width, 3), np.uint8)
    Image.fromarray(noise).save(content, "PNG")
    return content.getvalue()


PNG = picture(10)


def entry(method, road, control=False):
    faithfulness = {"road_combined": road, "heat_on_garment": 0.5, "max_sensitivity": None}
    return {"method": method, "control": control, "faithfulness": faithfulness}


def write(folder, sheet=PNG, **changes):
    """Write what the verb `gradcam` leaves behind, as far as the page reads it."""
    document = {
        "run": RUN,
        "layer": "features",
        "images": [{}, {}],
        "methods": [entry("gradcam", 0.25), entry("layercam", 0.5), entry("random", 0.0, True)],
    }
    folder.mkdir(parents=True)
    (folder / "explanations.json").write_text(json.dumps(document | changes))
    if sheet is not None:
        (folder / "sheet.png").write_bytes(sheet)


@pytest.fixture
def results(tmp_path):
    add(tmp_path / "results", make_record(make_case("cnn")))
    return tmp_path / "results"


def read(results, album=None):
    return read_explained(results.parent / "gradcam", read_source(results), album or Album())


def test_the_sheet_stands_with_its_methods_and_controls(results, tmp_path):
    write(tmp_path / "gradcam" / "cnn")
    (found,) = read(results)
    (sheet,) = found.pictures
    assert sheet.caption.startswith("cnn, seed 0, layer features: fashion_mnist")
    rows = re.findall("<tr>(.*?)</tr>", found.table)[1:]
    cells = [re.findall("<td.*?>(.*?)</td>", row) for row in rows]
    assert [row[:2] for row in cells] == [
        ["gradcam", "method"],
        ["layercam", "method"],
        ["random", "control"],
    ]
    assert "0.250" in cells[0]
    assert "2 in all" in found.table


def test_the_page_has_it_among_the_explanations(results, tmp_path):
    write(tmp_path / "gradcam" / "cnn")
    page = make_page(results, tmp_path)
    chapter = page.split('<section id="explanations"')[1].split('<section id="reported"')[0]
    assert "Methods side by side" in chapter
    assert 'data-section="explained"' in chapter
    assert "methods across, images down" in chapter
    assert "Methods side by side" not in make_page(results, tmp_path / "elsewhere")


def test_another_records_are_left_out_silently(results, tmp_path, caplog):
    write(tmp_path / "gradcam" / "cnn", run="of another")
    assert read(results) == []
    assert caplog.text == ""


@pytest.mark.parametrize(
    "changes", [{"methods": 3}, {"methods": [{}]}, {"images": None}, {"run": []}, {"run": {}}]
)
def test_a_document_of_another_form_is_left_out_with_a_warning(results, tmp_path, caplog, changes):
    write(tmp_path / "gradcam" / "cnn", **changes)
    write(tmp_path / "gradcam" / "whole")
    assert len(read(results)) == 1
    assert "cnn/explanations.json out of the page" in caplog.text


@pytest.mark.parametrize("content", [b"", b"[]", b"no JSON", b"\xff", b"[" * 100_000])
def test_a_damaged_file_is_left_out_with_a_warning(results, tmp_path, caplog, content):
    write(tmp_path / "gradcam" / "cnn")
    (tmp_path / "gradcam" / "cnn" / "explanations.json").write_bytes(content)
    assert read(results) == []
    assert "out of the page" in caplog.text


@pytest.mark.parametrize("sheet", [None, b"no picture", PNG[:40], PNG[:8] + b"0" * 40])
def test_without_a_sheet_the_table_remains(results, tmp_path, caplog, sheet):
    write(tmp_path / "gradcam" / "cnn", sheet=sheet)
    (found,) = read(results)
    assert found.pictures == []
    assert "gradcam" in found.table
    assert "sheet.png out of the page" in caplog.text


def test_a_large_sheet_is_reduced(results, tmp_path):
    large = picture(4000)
    write(tmp_path / "gradcam" / "cnn", sheet=large)
    album = Album(limit=len(large) // 4)
    (found,) = read(results, album)
    assert len(found.pictures) == 1
    assert album.left_out == 0


def test_synthetic_data_are_marked(tmp_path):
    add(tmp_path / "results", make_record(make_case("cnn", dataset="synthetic")))
    write(tmp_path / "gradcam" / "cnn")
    (found,) = read(tmp_path / "results")
    assert "SYNTHETIC DATA" in found.pictures[0].caption
    assert "SYNTHETIC" in found.table


def test_names_inject_nothing(results, tmp_path):
    write(tmp_path / "gradcam" / "cnn", layer=HOSTILE, methods=[entry(HOSTILE, 0.1)])
    page = make_page(results, tmp_path)
    assert "<b>evil" not in page
    assert "&lt;b&gt;evil" in page
