"""Five outputs of one table say the same, and take what comes from outside as text."""

import csv
import io
import json
import re

import pandas as pd
import pytest

from bench.records.frame import to_parquet
from bench.reporting.frames import records_to_frame
from bench.reporting.rendering.formats import render, to_csv, to_json, to_rows
from bench.reporting.section import get_sections
from tests.support.factory import FOLDER, make_case, make_host, make_record

HOSTILE = "a|b <i>c</i> [red]d[/] `e` *f* \x1b[31m\u202e"
(ACCURACY,) = get_sections(["accuracy"])


def frame(*records, folder=None):
    return records_to_frame(list(records), folder)


def shown(records, width=160):
    from bench.reporting.rendering.console import PlainConsole

    console = PlainConsole(width=width, file=io.StringIO())
    console.print(render(ACCURACY, frame(*records), "rich", width))
    return console.file.getvalue()


def test_json_and_csv_say_the_same():
    data = frame(make_record(), make_record(make_case("svm"), contended=True))
    rows = to_rows(ACCURACY, data)
    parsed = json.loads(render(ACCURACY, data, "json"))
    lines = list(csv.DictReader(io.StringIO(render(ACCURACY, data, "csv"))))
    assert [row["model"] for row in parsed] == [line["model"] for line in lines]
    assert {line["contended"] for line in lines} == {"True", "False"}
    assert parsed == rows
    assert parsed[0]["test_accuracy"] == 0.9
    assert parsed[0]["section"] == "accuracy"
    assert parsed[0]["compile_s"] is None
    assert lines[0]["compile_s"] == ""
    assert json.loads(to_json([])) == []
    assert to_csv([]) == ""


def test_markdown_is_a_table_with_its_warnings():
    text = render(
        ACCURACY,
        frame(make_record(make_case("svm", dataset="synthetic"), contended=True)),
        "markdown",
    )
    lines = text.splitlines()
    assert "SYNTHETIC" in lines[0]
    assert len({line.count("|") for line in lines[2:5]}) == 1
    assert r"12.5 s\*" in lines[4]
    assert lines[-1].startswith(r"\*")


def test_published_rows_are_marked_beside_ones_own():
    own, other = make_record(), make_record(make_case("svm"))
    other = other.model_copy(update={"run": other.run.model_copy(update={"folder": "f" * 16})})
    both = render(ACCURACY, frame(own, other, folder=FOLDER), "markdown")
    assert "| svm† |" in both
    assert "| knn |" in both
    assert "† published" in both
    alone = render(ACCURACY, frame(other, folder=FOLDER), "markdown")
    assert "†" not in alone
    assert "published: from another results folder" in alone
    assert "published" not in render(ACCURACY, frame(own, folder=FOLDER), "markdown")


def test_what_comes_from_outside_is_text_in_every_format():
    record = make_record(host=make_host(id=HOSTILE), contended=True)
    other = make_record(host=make_host(id="other"))
    data = frame(record, other)
    text = shown([record, other])
    assert "[red]d[/]" in text
    assert "\x1b" not in text
    assert r"\x1b[31m\u202e" in text
    markdown = render(ACCURACY, data, "markdown")
    row = next(line for line in markdown.splitlines() if "&lt;i&gt;" in line)
    assert r"a\|b &lt;i&gt;c&lt;/i&gt; \[red\]d\[/\] \`e\` \*f\*" in row
    html = render(ACCURACY, data, "html")
    assert "<i>" not in html
    assert "\x1b" not in html
    assert json.loads(render(ACCURACY, data, "json"))[0]["machine"] == HOSTILE


def test_html_sorts_by_values_and_marks_the_best():
    data = frame(make_record(accuracy=0.8), make_record(make_case("svm"), accuracy=0.9))
    html = render(ACCURACY, data, "html")
    assert re.search(r'<td class="right best" data-value="0.9">90.00%</td>', html)
    assert re.search(r'<td class="right" data-value="0.8">80.00%</td>', html)
    assert html.count("<tr>") == 3


@pytest.mark.parametrize("width", [40, 60, 80, 120, 160, 200])
def test_the_terminal_shows_models_and_accuracies_whole(width):
    text = shown([make_record(make_case("logistic_regression"))], width)
    assert "logistic_regression" in text
    assert "90.00%" in text
    assert max(len(line) for line in text.splitlines()) <= width
    assert ("left out for want of width" in " ".join(text.split())) == (width < 120)
    assert ("2 ms" in text) == (width >= 120)  # of the latency


def test_where_no_table_fits_each_row_is_a_paragraph():
    text = shown([make_record(make_case("logistic_regression"))], 30)
    assert "\nlogistic_regression\n  test accuracy: 90.00%\n" in text
    assert "latency, 1 image: 2 ms" in text
    assert max(len(line) for line in text.splitlines()) <= 30


def test_parquet_holds_every_record(tmp_path):
    data = frame(make_record(), make_record(make_case("svm"), status="failed"))
    read = pd.read_parquet(io.BytesIO(to_parquet(data)))
    assert list(read["case.model"]) == ["knn", "svm"]
    assert read["quality.test_accuracy"].iloc[0] == 0.9
    assert json.loads(read["case.config"].iloc[0])["target_accuracy"] == 0.9
