import json

import numpy as np
import pytest
from typer.testing import CliRunner

from bench.cli import app
from bench.commands import analyze
from bench.records import store
from fmnist_jax.errors import UserError
from tests.support.factory import make_case, make_record
from tests.support.small_data import small_dataset


@pytest.fixture
def small(monkeypatch):
    """The command finds the small dataset under any name."""
    data = small_dataset(synthetic=True)
    monkeypatch.setattr(analyze, "load", lambda name, data_dir: data)
    monkeypatch.setenv("MNIST_DATA_DIR", "nowhere")
    return data


def run(tmp_path, **options):
    defaults = {"data_dir": None, "out": tmp_path / "out", "only": (), "format_": "rich"}
    analyze.analyze("small", tmp_path / "results", **(defaults | options))


def test_all_parts_leave_their_files(small, tmp_path, capsys):
    run(tmp_path)
    out = tmp_path / "out"
    stems = sorted(path.stem for path in out.glob("*.json"))
    assert [stem[:2] for stem in stems] == [f"{n:02d}" for n in range(1, 11)]
    assert (stems[0], stems[-1]) == ("01_overview", "10_summary")
    assert not list(out.glob(".*")), "no temporary file is left"
    for stem in stems:
        document = json.loads((out / f"{stem}.json").read_text())
        assert document["dataset"]["synthetic"] is True
        for figure in document["figures"]:
            assert (out / figure).read_bytes().startswith(b"\x89PNG")
    captured = capsys.readouterr()
    assert "SYNTHETIC DATA" in captured.out
    assert "MNIST_DATA_DIR" in captured.out, "what is missing for part 9 is told"
    assert "10/10 summary" in captured.err


def test_json_is_all_there_is_on_stdout(small, tmp_path, capsys):
    run(tmp_path, only=["statistics", "1"], format_="json")
    document = json.loads(capsys.readouterr().out)
    assert [part["part"] for part in document["parts"]] == ["overview", "statistics"]
    assert document["dataset"]["name"] == "small"


def test_the_same_data_give_the_same_files(small, tmp_path):
    run(tmp_path, only=["2"])
    first = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    (tmp_path / "out" / "notes.txt").write_text("mine")
    run(tmp_path, only=["2"])
    second = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert second.pop("notes.txt") == b"mine", "other files stay"
    assert first == second


def test_a_failure_leaves_nothing(small, tmp_path, monkeypatch):
    monkeypatch.setattr(analyze, "png", lambda figure: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run(tmp_path, only=["1"])
    assert not (tmp_path / "out").exists()


def test_a_part_that_the_data_are_too_small_for_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(analyze, "load", lambda name, data_dir: small_dataset(per_class=3))
    with pytest.raises(UserError, match="too small for part 3"):
        run(tmp_path, only=["1", "3"])
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["/dev/null/out", "/proc/out"])
def test_a_folder_that_cannot_be_written_is_refused(small, tmp_path, name):
    with pytest.raises(UserError, match=f"cannot write to the folder {name}"):
        run(tmp_path, out=analyze.Path(name), only=["1"])


def test_confusions_are_those_of_this_dataset_trained_on_all_images(tmp_path):
    data = small_dataset()

    def case(sha256=data.sha256, **changes):
        return make_case(**changes).model_copy(update={"dataset_sha256": sha256})

    records = [
        make_record(case(seed=0)),
        make_record(case(seed=1), accuracy=0.8, at=1),
        make_record(case("0" * 64), at=2),
        make_record(case(train_images=100), at=3),
        make_record(case(model="svm"), status="failed", at=4),
        make_record(case().model_copy(update={"point": {"k": 1}}), at=5),
        make_record(case().model_copy(update={"recipe": "short"}), at=6),
    ]
    for record in records:
        store.write(tmp_path, record, {})
    confusions = analyze.read_confusions(tmp_path, data)
    assert list(confusions) == ["knn"]
    assert np.trace(confusions["knn"]) == 1700
    assert confusions["knn"].sum() == 2000


def test_mnist_is_looked_for_only_where_it_is_compared(small, monkeypatch):
    monkeypatch.setattr(analyze, "load_mnist_training", lambda data_dir: 1 / 0)
    parts = analyze.base.select(["1", "2"])
    assert analyze.find_mnist(parts, small, None) == "the comparison was not requested"


def test_the_command_on_the_drawn_dataset(tmp_path, cache, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FMNIST_CACHE_DIR", str(cache))
    arguments = ["--dataset=synthetic", "--only=1", "--only=quality", "--format=json"]
    done = CliRunner().invoke(app, ["analyze", *arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["dataset"]["synthetic"] is True
    assert (tmp_path / "analysis" / "synthetic" / "06_quality.json").is_file()
