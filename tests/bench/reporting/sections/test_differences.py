"""Models compared on the images that they predicted."""

import io

import numpy as np
import pytest

from bench.records.schema import Artifact
from bench.reporting.frames import read_frames
from bench.reporting.rendering.formats import to_rows
from bench.reporting.section import SECTIONS
from tests.support.factory import make_case, make_record


def lay(results, model, wrong, seed=0, content=None):
    """A record of 1,000 test images of which the first `wrong` are taken for class 1."""
    labels = np.zeros(1000, np.uint8)
    test = np.tile(np.eye(10, dtype=np.float16)[0], (1000, 1))
    test[:wrong] = np.eye(10)[1]
    file = io.BytesIO()
    np.savez(file, test=test, test_labels=labels)
    record = make_record(make_case(model, seed=seed), at=seed)
    confusion = [[0] * 10 for _ in range(10)]
    confusion[0][0], confusion[0][1] = 1000 - wrong, wrong
    quality = {"confusion": confusion, "test_accuracy": 1 - wrong / 1000}
    artifact = Artifact(kind="predictions", path=f"{model}{seed}/p.npz", sha256="0" * 64)
    record = record.model_copy(
        update={
            "quality": record.quality.model_copy(update=quality),
            "artifacts": [artifact],
        }
    )
    folder = results / "m" / "d" / model
    (folder / f"{model}{seed}").mkdir(parents=True)
    (folder / f"{model}{seed}" / "p.npz").write_bytes(content or file.getvalue())
    (folder / f"{model}{seed}.json").write_text(record.model_dump_json(by_alias=True))


def rows(results):
    return to_rows(SECTIONS["differences"](), read_frames(results)["records"])


def test_a_large_difference_is_shown_and_a_small_one_is_not(tmp_path):
    lay(tmp_path, "svm", 60)
    lay(tmp_path, "mlp", 63)
    lay(tmp_path, "knn", 150)
    first, second = rows(tmp_path)
    assert (first["model"], first["other"]) == ("svm", "mlp")
    assert (first["alone"], first["other_alone"]) == (3, 0)
    assert first["difference"] == pytest.approx(0.003)
    assert first["p_images"] == pytest.approx(0.25)  # the largest of three stays as it is
    assert first["verdict"] == "no difference shown"
    assert second["verdict"] == "better"
    assert (first["p_seeds"], first["seeds_needed"]) == (None, None)


def test_with_seeds_they_decide(tmp_path):
    for seed, (svm, mlp) in enumerate([(60, 80), (61, 82), (62, 80)]):
        lay(tmp_path, "svm", svm, seed)
        lay(tmp_path, "mlp", mlp, seed)
    (row,) = rows(tmp_path)
    assert row["p_seeds"] < 0.05
    assert row["verdict"] == "better"
    assert row["seeds_needed"] >= 2


@pytest.mark.parametrize("content", [b"torn", b"PK\x03\x04torn"])
def test_damaged_predictions_are_left_out(tmp_path, content):
    lay(tmp_path, "svm", 60)
    lay(tmp_path, "mlp", 63, content=content)
    assert rows(tmp_path) == []
