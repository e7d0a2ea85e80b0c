import hashlib
import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from fmnist_jax.data.acquire.cache import store
from fmnist_jax.data.dataset import DATASETS, Dataset, Split
from fmnist_jax.data.datasets.fashion_mnist import FashionMNIST
from fmnist_jax.data.datasets.synthetic import Synthetic
from fmnist_jax.data.drawing import garments as synthetic
from fmnist_jax.data.drawing.garments import generate
from fmnist_jax.data.drawing.pen import Pen
from fmnist_jax.data.idx import format as idx


@pytest.fixture(scope="module")
def sample() -> Split:
    return generate(seed=7, n=1500)  # more than one chunk of every class


@pytest.fixture(scope="module")
def drawn(cache: Path) -> Dataset:
    """What this machine draws; a copy that differs from the published is never kept."""
    dataset = Synthetic().load(None, cache)
    return replace(dataset, name=Synthetic.card.name, origin="generated", synthetic=False)


def arrays(dataset: Dataset) -> tuple[np.ndarray, ...]:
    return (
        dataset.train.images,
        dataset.train.labels,
        dataset.test.images,
        dataset.test.labels,
    )


def test_the_generator_has_not_changed_silently(sample):
    # If this change is meant: raise VERSION, and renew this and Synthetic's digests.
    digest = hashlib.sha256(sample.images.tobytes() + sample.labels.tobytes()).hexdigest()
    assert synthetic.VERSION == 1
    assert digest == "0c2c640c18ed62b2e0ffd74b7614ad259f700e471fda3ac648d9bf11d4855b8f"


def test_the_published_digests_are_those_of_what_is_drawn(drawn):
    assert tuple(idx.md5(array) for array in arrays(drawn)) == Synthetic.card.md5


def test_shapes_and_types(sample):
    assert sample.images.shape == (1500, 28, 28)
    assert sample.labels.shape == (1500,)
    assert sample.images.dtype == sample.labels.dtype == np.uint8


@pytest.mark.parametrize("n", [0, 1, 37, 1500])
def test_classes_are_as_equal_as_n_allows(n):
    counts = np.bincount(generate(seed=3, n=n).labels, minlength=10)
    assert counts.sum() == n
    assert counts.max() - counts.min() <= 1


def test_order_is_shuffled(sample):
    changes = np.mean(sample.labels[1:] != sample.labels[:-1])
    assert 0.8 < changes < 0.97  # 0.9 expected; sorted or cyclic labels give 0 or 1


def test_seeds_are_reproducible_and_independent(sample):
    again, other = generate(seed=7, n=1500), generate(seed=8, n=1500)
    np.testing.assert_array_equal(sample.images, again.images)
    np.testing.assert_array_equal(sample.labels, again.labels)
    assert not {i.tobytes() for i in sample.images} & {i.tobytes() for i in other.images}
    assert (sample.labels != other.labels).mean() > 0.8


def test_no_image_occurs_twice_nor_in_both_sets(drawn):
    images = np.concatenate([drawn.train.images, drawn.test.images])
    assert len({image.tobytes() for image in images}) == len(images)


def test_garments_lie_on_a_black_background(drawn):
    images = drawn.train.images[:5000]
    # A corner between the frame and the garments, free in nearly all.
    assert (images[:, :2, :2] == 0).mean() > 0.98
    share = (images > 0).mean((1, 2))
    assert 0.2 < (images == 0).mean() < 0.8
    assert share.min() > 0.03  # nothing is left of no garment
    assert images.max() == 255


def test_every_part_of_a_picture_is_float32():
    pen = Pen(np.random.default_rng(0), 3)
    for draw in synthetic.GARMENTS:
        shape, cloth = draw(pen)
        assert shape.dtype == cloth.dtype == np.float32
        assert np.isfinite(shape).all()
        assert np.isfinite(cloth).all()


def test_brightness_does_not_give_the_class_away(drawn):
    def brightness(split: Split) -> np.ndarray:
        return split.images.mean((1, 2))[:, None]

    train = Split(drawn.train.images[:5000], drawn.train.labels[:5000])
    model = DecisionTreeClassifier(min_samples_leaf=50).fit(brightness(train), train.labels)
    assert model.score(brightness(drawn.test), drawn.test.labels) < 0.35


def test_a_linear_model_is_clearly_worse_than_one_that_sees_details(drawn):
    n = 3000
    train, test = drawn.train, Split(drawn.test.images[:1000], drawn.test.labels[:1000])

    def pixels(images: np.ndarray) -> np.ndarray:
        return images.reshape(len(images), -1) / np.float32(255)

    def edges(images: np.ndarray) -> np.ndarray:
        """Energy of edges in four directions in a 7 x 7 grid of cells: a poor man's HOG."""
        x = images / np.float32(255)
        right, down = np.diff(x, axis=2, append=0), np.diff(x, axis=1, append=0)
        energy = np.abs(np.stack([right, down, (right + down) / 2, (right - down) / 2]))
        cells = energy.reshape(4, len(x), 7, 4, 7, 4).sum((3, 5))
        return np.sqrt(cells.transpose(1, 0, 2, 3).reshape(len(x), -1))

    def score(features, model) -> float:
        model.fit(features(train.images[:n]), train.labels[:n])
        return model.score(features(test.images), test.labels)

    linear = score(pixels, LogisticRegression(C=0.02, max_iter=100, tol=1e-2))
    curved = score(edges, SVC(C=10))
    assert 0.70 < linear < 0.86
    assert linear + 0.05 < curved < 0.97


def test_load_draws_and_then_takes_the_cached_copy(tmp_path, caplog, monkeypatch, drawn):
    monkeypatch.setattr(Synthetic, "_draw", lambda self: drawn)
    folder = tmp_path / "not" / "there yet"
    first = Synthetic().load(None, folder)
    monkeypatch.setattr(Synthetic, "_draw", lambda self: pytest.fail("drawn again"))
    second = Synthetic().load(Path("/no/such/data"), folder)
    assert (first.origin, second.origin) == ("generated", "cache")
    assert first.sha256 == second.sha256
    assert not caplog.records
    for dataset in (first, second):
        assert dataset.synthetic
        assert dataset.name == "synthetic"
        assert (len(dataset.train), len(dataset.test)) == (60_000, 10_000)
        assert dataset.classes == FashionMNIST().classes == Synthetic().classes


def test_an_unwritable_cache_only_warns(tmp_path, caplog, monkeypatch, drawn):
    monkeypatch.setattr(Synthetic, "_draw", lambda self: drawn)
    file = tmp_path / "file"
    file.touch()
    with caplog.at_level(logging.WARNING):
        dataset = Synthetic().load(None, file / "folder")
    assert dataset.origin == "generated"
    assert "cannot keep" in caplog.text


def test_other_bytes_than_published_are_used_and_not_kept(tmp_path, caplog, monkeypatch, drawn):
    odd = drawn.test.images.copy()
    odd[0, 14, 14] ^= 1
    other = replace(drawn, test=Split(odd, drawn.test.labels))
    monkeypatch.setattr(Synthetic, "_draw", lambda self: other)
    with caplog.at_level(logging.WARNING):
        dataset = Synthetic().load(None, tmp_path)
    assert dataset.test.images is odd
    assert "differently" in caplog.text
    assert not list(tmp_path.iterdir())


def test_an_older_version_in_the_cache_is_passed_over(tmp_path, caplog, monkeypatch, drawn):
    store(replace(drawn, name="synthetic-v0"), tmp_path)
    monkeypatch.setattr(Synthetic, "_draw", lambda self: drawn)
    assert Synthetic().load(None, tmp_path).origin == "generated"
    assert not caplog.records


def test_it_is_registered_without_being_imported():
    listing = DATASETS.check("synthetic")
    assert "garments" in listing.summary
    assert DATASETS["synthetic"] is Synthetic
