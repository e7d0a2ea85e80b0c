import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import train_test_split

from fmnist_jax.data.dataset import Dataset, Split
from fmnist_jax.data.splits import Splits, _draw_stratified, make_splits
from fmnist_jax.errors import UserError


def balanced(n: int, rng: np.random.Generator) -> Split:
    labels = rng.permutation(np.arange(n) % 10).astype(np.uint8)
    # The first two pixels carry the position, so that an image can be told from its index.
    images = np.zeros((n, 28, 28), np.uint8)
    images[:, 0, :2] = np.arange(n)[:, None] // (256, 1) % 256
    return Split(images, labels)


def dataset(train: int = 6_000, test: int = 1_000) -> Dataset:
    rng = np.random.default_rng(0)
    return Dataset("toy", tuple("abcdefghij"), balanced(train, rng), balanced(test, rng), "cache")


DATASET = dataset()


def per_class(split: Split) -> list[int]:
    return np.bincount(split.labels, minlength=10).tolist()


def check(splits: Splits, whole: Dataset = DATASET) -> None:
    for split, index, source in (
        (splits.train, splits.train_index, whole.train),
        (splits.validation, splits.validation_index, whole.train),
        (splits.test, splits.test_index, whole.test),
    ):
        assert (np.diff(index) > 0).all()
        assert index.dtype == np.int64
        np.testing.assert_array_equal(split.images, source.images[index])
        np.testing.assert_array_equal(split.labels, source.labels[index])
        counts = per_class(split)
        assert max(counts) - min(counts) <= 1
    assert not np.intersect1d(splits.train_index, splits.validation_index).size


def test_published_sizes() -> None:
    whole = dataset(60_000, 10_000)
    splits = make_splits(whole)
    check(splits, whole)
    assert (len(splits.train), len(splits.validation), len(splits.test)) == (55_000, 5_000, 10_000)
    assert per_class(splits.train) == [5_500] * 10
    assert per_class(splits.validation) == [500] * 10
    assert splits.test is whole.test
    assert len(splits.train_index) + len(splits.validation_index) == 60_000


@given(
    members=st.lists(st.integers(2, 60), min_size=2, max_size=12),
    part=st.floats(0, 1),
    seed=st.integers(0, 2**32 - 1),
)
def test_the_images_are_those_that_scikit_learn_draws(members, part, seed) -> None:
    labels = np.repeat(np.arange(len(members)), members).astype(np.uint8)
    np.random.default_rng(seed).shuffle(labels)
    most = len(labels) - 2 * len(members)
    count = len(members) + round(part * most)
    drawn = _draw_stratified(labels, count, np.random.RandomState(seed))
    index = np.arange(len(labels))
    _, expected = train_test_split(index, test_size=count, stratify=labels, random_state=seed)
    np.testing.assert_array_equal(np.flatnonzero(drawn), np.sort(expected))


def test_quick_run() -> None:
    splits = make_splits(DATASET, validation_images=500, train_images=1_000, test_images=200)
    check(splits)
    assert per_class(splits.train) == [100] * 10
    assert per_class(splits.test) == [20] * 10


def test_seed_decides() -> None:
    def index(seed: int) -> Splits:
        return make_splits(
            DATASET, seed, validation_images=500, train_images=1_000, test_images=200
        )

    for name in ("train_index", "validation_index", "test_index"):
        np.testing.assert_array_equal(getattr(index(3), name), getattr(index(3), name))
        assert (getattr(index(3), name) != getattr(index(4), name)).any()


def test_sizes_do_not_disturb_each_other() -> None:
    whole = make_splits(DATASET, validation_images=500)
    part = make_splits(DATASET, validation_images=500, train_images=700, test_images=100)
    np.testing.assert_array_equal(whole.validation_index, part.validation_index)
    assert np.isin(part.train_index, whole.train_index).all()
    other = make_splits(DATASET, validation_images=1_000, train_images=300, test_images=100)
    np.testing.assert_array_equal(part.test_index, other.test_index)


def test_all_by_number() -> None:
    splits = make_splits(DATASET, validation_images=500, train_images=5_500, test_images=1_000)
    check(splits)
    assert len(splits.train) == 5_500
    assert len(splits.test) == 1_000


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(10, 3_000), st.integers(10, 2_000))
def test_any_possible_size(seed: int, validation: int, train: int) -> None:
    splits = make_splits(DATASET, seed, validation_images=validation, train_images=train)
    check(splits)
    assert (len(splits.validation), len(splits.train)) == (validation, train)


@pytest.mark.parametrize(
    ("sizes", "line"),
    [
        ({"validation_images": 0}, "validation_images = 0 is impossible"),
        ({"validation_images": 6_000}, "choose 10 to 5,990"),
        ({"validation_images": 500, "train_images": 5_501}, "train_images = 5,501 is impossible"),
        ({"validation_images": 500, "train_images": 9}, "choose 10 to 5,490, or 5,500"),
        ({"validation_images": 500, "train_images": -1}, "train_images = -1 is impossible"),
        ({"validation_images": 500, "test_images": 2_000}, "test_images = 2,000 is impossible"),
        ({"validation_images": 500, "test_images": 0}, "test_images = 0 is impossible"),
    ],
)
def test_impossible_sizes(sizes: dict[str, int], line: str) -> None:
    with pytest.raises(UserError, match=line) as caught:
        make_splits(DATASET, **sizes)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
