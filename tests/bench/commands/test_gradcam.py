"""The verb on a record of untrained weights, and everything that can be asked for in vain."""

import io
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from bench.__main__ import main
from bench.commands.gradcam import find_trained
from bench.records import store
from fmnist_jax.data.datasets import synthetic
from fmnist_jax.errors import UserError
from fmnist_jax.explain.controls import CONTROLS
from fmnist_jax.models.resnet import ResNet
from fmnist_jax.training import weights
from tests.support.factory import make_case, make_record

WIDTH = 4


@pytest.fixture(scope="module")
def folder(tmp_path_factory, cache):
    """A results folder with one record of a narrow ResNet, and one of a forest."""
    patch = pytest.MonkeyPatch()
    patch.setenv("FMNIST_CACHE_DIR", str(cache))
    data = synthetic.Synthetic().load(None, cache)
    patch.undo()
    results = tmp_path_factory.mktemp("results")
    case = make_case("resnet", dataset="synthetic", width=WIDTH)
    sizes = {"validation_images": 5000, "split_seed": 0, "train_images": None, "test_images": 200}
    config = {**case.config, "data": sizes}
    case = case.model_copy(update={"config": config, "dataset_sha256": data.sha256})
    variables = ResNet(width=WIDTH).init(jax.random.key(0), jnp.zeros((1, 28, 28, 1)))
    content = io.BytesIO()
    weights.save(content, variables)
    record = make_record(case)
    store.write(results, record, {"weights.npz": ("weights", content.getvalue())})
    store.write(results, make_record(make_case("cnn")), {})
    return results


@pytest.fixture
def bench(folder, cache, tmp_path, monkeypatch, capsys):
    """Run the verb: its exit code, stdout and stderr."""
    monkeypatch.setenv("FMNIST_CACHE_DIR", str(cache))
    monkeypatch.setattr("fmnist_jax.training.jax_cache.keep", lambda folder: None)

    def run(*arguments, out=tmp_path / "out"):
        command = ["bench", "gradcam", *arguments, "--results", str(folder), "--out", str(out)]
        monkeypatch.setattr("sys.argv", command)
        code = main()
        return code, *capsys.readouterr()

    return run


def test_pictures_maps_and_json(bench, folder, tmp_path):
    code, out, _ = bench("resnet", "--wrong", "2", "--method", "gradcam", "--format", "json")
    assert code == 0
    document = json.loads(out)
    assert [entry["method"] for entry in document["methods"]] == ["gradcam", *CONTROLS]
    assert document["synthetic"]
    assert len(document["images"]) == 2
    with np.load(tmp_path / "out" / "maps.npz") as archive:
        assert archive["maps"].shape == (1, 2, 28, 28)
        assert archive["maps"].dtype == np.float32
        assert archive["maps"].min() >= 0
        assert archive["maps"].max() <= 1
        assert archive["methods"].tolist() == ["gradcam"]
        assert archive["probability"].shape == (2, 10)
        assert archive["index"].tolist() == [image["index"] for image in document["images"]]
        np.testing.assert_array_equal(archive["target"], archive["predicted"])
        assert (archive["label"] != archive["predicted"]).all()
    for name in ("gradcam.png", "sheet.png"):
        with Image.open(tmp_path / "out" / name) as picture:
            assert picture.width > 200
    assert (tmp_path / "out" / "explanations.json").read_text() == out
    assert document["run"] == find_trained("resnet", folder).stored.record.run.id
    assert len(document["dataset_sha256"]) == 64
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "explanations.json",
        "gradcam.png",
        "sheet.png",
        "maps.npz",
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["resnet", "--index", "10000"], "there is no test image 10000: choose from "),
        (["resnet", "--index", "-1"], "there is no test image -1"),
        (["resnet", "--target", "Trowser"], "there is no class 'Trowser': did you mean 'Trouser'?"),
        (["resnet", "--target", "10"], "there is no class '10'"),
        (["resnet", "--method", "gradcan"], "unknown method 'gradcan': did you mean 'gradcam'?"),
        (["resnet", "--layer", "blok1"], "unknown layer 'blok1': did you mean 'block1'?"),
        (["resnet", "--per-class", "0"], "no image is chosen"),
        (["resnt"], "unknown model 'resnt': did you mean 'resnet'?"),
        (["knn"], "knn has no feature maps to explain"),
        (["dense"], "dense has no feature maps to explain"),
        (["cnn"], "no record of cnn in "),
    ],
)
def test_what_does_not_exist(bench, tmp_path, arguments, message):
    code, out, errors = bench(*arguments)
    assert code == 2
    assert not out
    assert message in " ".join(errors.split())
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written(bench, tmp_path):
    (tmp_path / "file").write_text("")
    code, out, errors = bench("resnet", out=tmp_path / "file" / "out")
    assert code == 2
    assert not out
    assert "cannot write to the folder" in errors


def test_damaged_weights(folder, tmp_path):
    (path,) = folder.rglob("weights.npz")
    copy = tmp_path / path.relative_to(folder)
    copy.parent.mkdir(parents=True)
    record = path.parent.with_suffix(".json")
    (tmp_path / record.relative_to(folder)).write_bytes(record.read_bytes())
    copy.write_bytes(path.read_bytes()[:100])
    with pytest.raises(UserError, match="train the model again"):
        find_trained("resnet", tmp_path)


def test_a_record_of_a_recipe_or_a_grid_counts_where_there_is_no_other(folder, tmp_path):
    (path,) = folder.rglob("weights.npz")
    content = {"weights.npz": ("weights", path.read_bytes())}

    def add(at, **changes):
        case = make_case("resnet", width=WIDTH).model_copy(update=changes)
        return store.write(tmp_path, make_record(case, at=at), content)

    add(1, recipe="short")
    add(2, point={"width": WIDTH})
    assert find_trained("resnet", tmp_path).stored.record.case.point
    add(0)
    assert find_trained("resnet", tmp_path).stored.record.run.started.minute == 0
