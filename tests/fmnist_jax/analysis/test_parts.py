"""Every part: what it measures can be stored, drawn and told; and what it refuses."""

import json

import numpy as np
import pytest

from fmnist_jax.analysis import base
from fmnist_jax.analysis.difficulty import Difficulty
from fmnist_jax.analysis.dimensionality import Dimensionality, stratified_sample
from fmnist_jax.analysis.mnist import MnistComparison
from fmnist_jax.analysis.overview import Overview
from fmnist_jax.analysis.patterns import Patterns
from fmnist_jax.analysis.relations import Relations
from fmnist_jax.analysis.summary import Summary
from fmnist_jax.errors import UserError
from fmnist_jax.figures.style import png
from tests.support.small_data import small_dataset, small_split

CONFUSION = np.full((10, 10), 1) + 90 * np.eye(10, dtype=np.int64)
NAMES = list(base.PARTS.catalogue)


@pytest.fixture(scope="module")
def context():
    return base.Context(
        small_dataset(), small_split(5, seed=2), {"knn": CONFUSION, "svm": 2 * CONFUSION}
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_part_is_stored_drawn_and_told(context, name):
    part = base.PARTS[name]
    result = context.result(part)
    assert part.name == name
    assert json.loads(result.model_dump_json()), "its JSON can be read"
    figures = result.figures(context)
    assert figures or name in ("quality", "label_errors"), "clean data alone show nothing"
    for figure in figures.values():
        assert "small" in figure.get_suptitle(), "each figure names its dataset"
        assert png(figure).startswith(b"\x89PNG")
    assert all(isinstance(text, str) and text for line in result.digest() for text in line)


def test_parts_are_numbered_from_one_in_order():
    assert [part.number for part in base.available()] == list(range(1, len(NAMES) + 1))


def test_a_result_is_measured_once(context):
    assert context.result(Overview) is context.result(Overview)


def test_titles_mark_synthetic_data():
    context = base.Context(small_dataset(synthetic=True), "none")
    assert context.title("Samples") == "Samples (SYNTHETIC DATA, small)"


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["statistics"], ["statistics"]),
        (["10", "1"], ["overview", "summary"]),
        (["02", "statistics"], ["statistics"]),
    ],
)
def test_parts_are_selected_by_name_or_number(names, expected):
    assert [part.name for part in base.select(names)] == expected


def test_ten_parts_run_where_none_is_named():
    assert [part.number for part in base.select([])] == list(range(1, 11))


@pytest.mark.parametrize(
    ("name", "message"),
    [("statistic", "did you mean 'statistics'?"), ("99", "unknown part 99"), ("0", "part 0")],
)
def test_an_unknown_part_is_refused(name, message):
    with pytest.raises(UserError, match=message.replace("?", r"\?")):
        base.select([name])


def test_a_dataset_that_is_too_small_is_refused_before_any_work():
    context = base.Context(small_dataset(per_class=5), "none")
    with pytest.raises(UserError, match="too small for part 3, patterns: it has 5 training"):
        list(base.analyze(context, [Overview, Patterns]))
    assert not context.results


def test_overview_counts(context):
    overview = context.result(Overview)
    assert overview.train_shape == (120, 28, 28)
    assert overview.test_counts["class c"] == 4
    assert overview.balanced


def test_relations_name_the_extremes(context):
    relations = context.result(Relations)
    pairs = {(p.first, p.second): p.similarity for p in relations.most_similar}
    first = relations.most_similar[0]
    assert first.similarity == max(pairs.values())
    # Neighbouring bars overlap by half, the outermost not at all.
    assert abs(ord(first.first[-1]) - ord(first.second[-1])) == 1
    assert relations.least_similar[0].similarity <= min(pairs.values())
    assert relations.matrix["class a"]["class a"] == pytest.approx(1)


def test_stratified_sample_takes_as_many_of_each_class():
    split = small_split(12)
    index = stratified_sample(split, 50, seed=0)
    assert np.bincount(split.labels[index]).tolist() == [5] * 10
    assert len(np.unique(index)) == 50


def test_the_map_keeps_the_classes_apart(context):
    result = context.result(Dimensionality)
    assert result.tsne_images == 120
    assert result.tsne_neighbours > 0.9
    assert result.cumulative_variance == sorted(result.cumulative_variance)
    assert len(result.cumulative_variance) == 50


def test_mnist_is_compared_or_the_reason_is_told(context):
    assert context.result(MnistComparison).mnist.brightness == pytest.approx(
        small_split(5, seed=2).images.mean()
    )
    missing = MnistComparison.measure(base.Context(small_dataset(), "no folder"))
    assert missing.missing == "no folder"
    assert missing.figures(base.Context(small_dataset(), "no folder")) == {}
    assert missing.digest() == [("not compared", "no folder")]


def test_without_records_nothing_is_claimed():
    context = base.Context(small_dataset(), "none")
    difficulty, summary = context.result(Difficulty), context.result(Summary)
    assert difficulty.error_rate is None
    assert difficulty.checks == {}
    assert summary.accuracies == {}
    assert summary.key_figures.difficulty_verdict == "no records"
    assert "no records" in summary.digest()[-1][1]


def test_summary_takes_accuracies_from_the_records(context):
    summary = context.result(Summary)
    assert summary.accuracies == {"knn": pytest.approx(0.91), "svm": pytest.approx(0.91)}
    assert "10,000" not in " ".join(summary.findings)
