import csv
import io
import json

import pytest
from rich.console import Console

from bench.reporting.sections import accuracy as table
from fmnist_jax.errors import UserError
from tests.support.factory import make_case, make_host, make_record


def test_rows_pool_the_seeds_of_the_newest_config():
    old = make_record(make_case(n_neighbors=3), accuracy=0.99, at=0)
    new = [
        make_record(make_case(n_neighbors=5, seed=s), accuracy=a, at=1 + s)
        for s, a in enumerate((0.8, 0.9))
    ]
    again = make_record(make_case(n_neighbors=5, seed=1), accuracy=0.86, at=9)
    (found,) = table.tables([again, *new, old])
    (row,) = found.rows
    assert (row.seeds, row.accuracy) == (2, pytest.approx(0.83))
    assert row.interval[0] < 0.83 < row.interval[1]
    assert row.figures["train_images_per_s"] == 300  # the first epoch is left out
    assert row.figures["latency_1_s"] == 0.002
    assert row.figures["inference_images_per_s"] == 2000


def test_failures_and_what_cannot_be_compared_stay_apart():
    records = [
        make_record(),
        make_record(make_case("svm"), status="failed"),
        make_record(make_case("svm", train_images=500)),
        make_record(make_case("svm", dataset="synthetic")),
        make_record(make_case("svm", dataset="mnist")),
    ]
    found = table.tables(records)
    assert [(t.dataset, t.train_images, len(t.rows)) for t in found] == [
        ("fashion_mnist", None, 1),
        ("fashion_mnist", 500, 1),
        ("mnist", None, 1),
        ("synthetic", None, 1),
    ]
    assert "SYNTHETIC" in found[-1].title
    assert not any("SYNTHETIC" in other.title for other in found[:-1])


def test_machines_have_rows_of_their_own():
    records = [make_record(), make_record(host=make_host(id="other-4c"))]
    (found,) = table.tables(records)
    assert [row.machine for row in found.rows] == ["other-4c", "test-cpu-2c"]


def test_json_and_csv_say_the_same():
    found = table.tables([make_record(), make_record(make_case("svm"), contended=True)])
    flat = table.flat(found)
    parsed = json.loads(table.as_json(flat))
    rows = list(csv.DictReader(io.StringIO(table.as_csv(flat))))
    assert [row["model"] for row in parsed] == [row["model"] for row in rows]
    assert {row["contended"] for row in rows} == {"True", "False"}
    assert parsed[0]["test_accuracy"] == 0.9
    assert parsed[0]["compile_s"] is None
    assert rows[0]["compile_s"] == ""
    assert json.loads(table.as_json([])) == []
    assert table.as_csv([]) == ""


def test_markdown_is_a_table_with_its_warnings():
    text = table.markdown(
        table.tables([make_record(make_case("svm", dataset="synthetic"), contended=True)])
    )
    lines = text.splitlines()
    assert "SYNTHETIC" in lines[0]
    assert len({line.count("|") for line in lines[2:5]}) == 1
    assert r"12.5 s\*" in lines[4]
    assert lines[-1].startswith(r"\*")


@pytest.mark.parametrize("width", [80, 120, 160])
def test_the_terminal_table_shows_models_and_accuracies_whole(width):
    (found,) = table.tables([make_record(make_case("logistic_regression"))])
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(table.rich(found, width))
    text = console.export_text()
    assert "logistic_regression" in text
    assert "90.00%" in text
    assert "12.5 s" in text
    assert ("test-cpu-2c" in text) == (width == 160)


def test_write_replaces_the_block_and_nothing_else(tmp_path):
    path = tmp_path / "README.md"
    path.write_text(f"before\n{table.BEGIN}\nold\n{table.END}\nafter\n")
    table.write_block(path, "new\n")
    assert path.read_text() == f"before\n{table.BEGIN}\nnew\n{table.END}\nafter\n"
    table.write_block(path, "newer\n")
    assert path.read_text() == f"before\n{table.BEGIN}\nnewer\n{table.END}\nafter\n"


def test_write_refuses_a_file_without_the_block(tmp_path):
    path = tmp_path / "README.md"
    path.write_text("nothing here")
    with pytest.raises(UserError, match="has no table block"):
        table.write_block(path, "new")
    assert path.read_text() == "nothing here"
    with pytest.raises(UserError, match="cannot write"):
        table.write_block(tmp_path / "missing.md", "new")
