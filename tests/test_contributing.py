"""Each example of CONTRIBUTING.md is one file that a registry finds, and it works."""

import importlib
import re
from pathlib import Path

import numpy as np
import pytest

from bench.reporting.frames import records_to_frame
from bench.reporting.metric import METRICS
from bench.reporting.section import SECTIONS, get_sections, tables
from fmnist_jax.data.dataset import DATASETS, Split
from fmnist_jax.data.datasets.fashion_mnist import FashionMNIST
from fmnist_jax.learner import LEARNERS
from tests.support.factory import make_case, make_record
from tests.support.toy import toy_dataset

TEXT = (Path(__file__).parent.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
EXAMPLES = {
    re.match(r'"""(\S+):', code)[1]: code
    for code in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
}


@pytest.fixture
def add(tmp_path, monkeypatch):
    """Put the example at `path` into its package, as a file that only this test sees."""

    def call(path, registry):
        package = importlib.import_module(str(Path(path).parent).replace("/", "."))
        folder = tmp_path / package.__name__
        folder.mkdir(exist_ok=True)
        (folder / Path(path).name).write_text(EXAMPLES[path], encoding="utf-8")
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(folder)])
        monkeypatch.setattr(package.__spec__, "submodule_search_locations", package.__path__)
        for name in registry.catalogue:  # what is imported later would be forgotten with the copy
            registry[name]
        monkeypatch.setattr(registry, "_entries", dict(registry._entries))
        registry.__dict__.pop("catalogue", None)
        registries.append(registry)

    registries = []
    yield call
    for registry in registries:
        registry.__dict__.pop("catalogue", None)


@pytest.fixture
def data():
    """Sixty images whose class is the row of a bright line."""
    labels = np.arange(60, dtype=np.uint8) % 10
    images = np.zeros((60, 28, 28), np.uint8)
    images[np.arange(60), labels * 2] = 200
    return Split(images, labels)


@pytest.mark.parametrize(
    ("path", "name", "options"),
    [
        ("fmnist_jax/models/small.py", "small", {"epochs": 5, "batch_size": 20}),
        ("fmnist_jax/baselines/ridge.py", "ridge_example", {}),
    ],
)
def test_a_model_is_one_file(add, data, path, name, options):
    add(path, LEARNERS)
    assert len(LEARNERS.catalogue[name].summary) > 10
    learner = LEARNERS[name](**options).build(0)
    learner.prepare(data, data)
    learner.fit(lambda _: None)
    probabilities = learner.predict_proba(data.images)
    assert probabilities.shape == (60, 10)
    assert np.mean(probabilities.argmax(1) == data.labels) > 0.5


def test_a_dataset_is_one_file(add, monkeypatch, tmp_path):
    add("fmnist_jax/data/datasets/mirrored.py", DATASETS)
    plain = toy_dataset()
    monkeypatch.setattr(FashionMNIST, "load", lambda self, data_dir, cache_dir: plain)
    mirrored = DATASETS["mirrored_example"]().load(None, tmp_path)
    assert mirrored.name == "mirrored_example"
    assert mirrored.sha256 != plain.sha256
    np.testing.assert_array_equal(mirrored.test.images[:, :, ::-1], plain.test.images)


def test_a_metric_and_a_section_are_one_file_each(add):
    add("bench/reporting/metrics/errors.py", METRICS)
    add("bench/reporting/sections/sizes.py", SECTIONS)
    (sizes,) = get_sections(["sizes_example"])
    records = [
        make_record(make_case("knn"), accuracy=0.9),
        make_record(make_case("svm"), accuracy=0.8),
    ]
    (table,) = tables(sizes, records_to_frame(records))
    assert [column.heading for column in table.columns] == [
        "model", "parameters", "test errors", "machine",
    ]  # fmt: skip
    assert list(table.rows["errors_example"]) == [100, 200]
