"""The same bits from the same seed, however the cases are run."""

import json

import numpy as np
import pytest

from tests.faults.command import call

MODELS = "cnn", "svm", "mlp", "random_forest", "knn", "logistic_regression"
SHORT = "--set=cnn.epochs=2", "--set=mlp.max_iter=5"


def ends(results):
    """By model: all that was measured of quality, and the weights where there are any."""
    found = {}
    for path in results.rglob("*.json"):
        record = json.loads(path.read_text())
        assert record["run"]["status"] == "ok", record["run"]
        for epoch in record["quality"]["history"] or []:
            del epoch["elapsed_s"]
        stored = path.with_suffix("") / "weights.npz"
        weights = {}
        if stored.exists():
            with np.load(stored, allow_pickle=False) as arrays:
                weights = {name: arrays[name].tobytes() for name in arrays.files}
        found[record["case"]["model"]] = record["quality"], weights
    return found


@pytest.fixture(scope="module")
def one_by_one(tmp_path_factory):
    """Each with all cores to itself, the network first."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    folder.mkdir()
    assert call(folder, *MODELS, *SHORT, "--jobs", "1")[0] == 0
    return ends(folder / "results")


def test_side_by_side_in_another_order(one_by_one, tmp_path_factory):
    """The baselines with a core each, and before the network."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    folder.mkdir()
    assert call(folder, *MODELS[1:], *SHORT, "--jobs", "2")[0] == 0
    assert call(folder, MODELS[0], *SHORT, "--jobs", "2")[0] == 0
    again = ends(folder / "results")
    assert again.keys() == one_by_one.keys() == set(MODELS)
    for model in MODELS:
        assert again[model] == one_by_one[model], model
