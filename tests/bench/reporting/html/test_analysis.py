"""The analysis of the raw data is shown where it is of the records' data."""

import base64
import json

import numpy as np
import pytest

from bench.commands.analyze import write_part
from bench.reporting.html.analysis import read_analysis
from bench.reporting.html.pictures import Album
from fmnist_jax.analysis.base import PARTS, Context
from tests.support.results_folder import PNG
from tests.support.small_data import small_dataset


@pytest.fixture
def analysed(tmp_path):
    """A folder with one part of an analysis, and the digest of its dataset."""
    data = small_dataset(synthetic=True)
    context = Context(data, "not requested", {})
    folder = tmp_path / "analysis" / "small"
    folder.mkdir(parents=True)
    write_part(folder, PARTS["overview"].measure(context), context)
    return folder.parent, data.sha256


def test_a_part_has_its_lines_and_pictures(analysed):
    folder, digest = analysed
    (part,) = read_analysis(folder, {digest}, Album())
    assert "SYNTHETIC DATA" in part.title
    assert part.lines
    assert part.pictures
    assert all(p.uri.startswith("data:image/png;base64,") for p in part.pictures)


def test_another_dataset_is_left_out(analysed):
    folder, _ = analysed
    assert read_analysis(folder, {"0" * 64}, Album()) == []
    assert read_analysis(folder / "missing", {"0" * 64}, Album()) == []


@pytest.mark.parametrize("content", ["", "[]", '{"dataset": 3}', "no JSON"])
def test_a_damaged_part_is_left_out_with_a_warning(analysed, caplog, content):
    folder, digest = analysed
    (file,) = folder.glob("*/*.json")
    file.write_text(content)
    assert read_analysis(folder, {digest}, Album()) == []
    assert "out of the page" in caplog.text


def test_the_summary_comes_first_and_an_older_analysis_has_pictures_alone(analysed):
    folder, digest = analysed
    (file,) = folder.glob("*/*.json")
    document = json.loads(file.read_text())
    document.pop("digest")
    summary = document | {"number": 10, "title": "Summary", "digest": [["1", "a finding"]]}
    file.write_text(json.dumps(document))
    file.with_name("10_summary.json").write_text(json.dumps(summary))
    first, second = read_analysis(folder, {digest}, Album())
    assert first.lines == [("1", "a finding")]
    assert second.lines == []
    assert second.pictures


def test_an_album_is_full_at_its_limit(tmp_path):
    file = tmp_path / "picture.png"
    file.write_bytes(PNG)
    album = Album(limit=2 * len(PNG))
    found = [album.read(file, "small") for _ in range(3)]
    assert [picture is None for picture in found] == [False, False, True]
    assert album.left_out == 1
    content = base64.b64decode(found[0].uri.split(",")[1])
    assert np.array_equal(np.frombuffer(content, np.uint8), np.frombuffer(PNG, np.uint8))
