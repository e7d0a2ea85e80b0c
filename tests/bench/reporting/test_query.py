"""The rows that several sections share."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, sem, t

from bench.reporting.frames import records_to_frame
from bench.reporting.query import MODEL, by_model, mean_interval, wilson
from bench.reporting.section import get_sections, tables
from tests.support.factory import FOLDER, compiled, make_case, make_host, make_record


def rows(*records, folder=None):
    return by_model(records_to_frame(list(records), folder)).to_dict("records")


def accuracy_tables(*records):
    (section,) = get_sections(["accuracy"])
    return tables(section, records_to_frame(list(records)))


def test_rows_pool_the_seeds_of_the_newest_config():
    old = make_record(make_case(n_neighbors=3), accuracy=0.99, at=0)
    new = [
        make_record(make_case(n_neighbors=5, seed=s), accuracy=a, at=1 + s)
        for s, a in enumerate((0.8, 0.9))
    ]
    again = make_record(make_case(n_neighbors=5, seed=1), accuracy=0.86, at=9)
    (row,) = rows(again, *new, old)
    assert (row["seeds"], MODEL.show(row["model"], row["seeds"])) == (2, "knn (2 seeds)")
    assert row["test_accuracy"] == pytest.approx(0.83)
    assert row["interval_low"] < 0.83 < row["interval_high"]
    reach = 12.706 * np.std([0.8, 0.86], ddof=1) / np.sqrt(2)  # t of one degree of freedom
    assert row["seeds_low"] == pytest.approx(0.83 - reach, rel=1e-4)
    assert row["seeds_high"] == pytest.approx(0.83 + reach, rel=1e-4)
    one = rows(new[0])[0]
    assert row["interval_high"] - row["interval_low"] == pytest.approx(
        one["interval_high"] - one["interval_low"], rel=0.1
    )  # the same images twice are not twice as many
    assert np.isnan(one["seeds_low"])
    assert row["train_images_per_s"] == 300  # the first epoch is left out
    assert row["latency_1_s"] == 0.002
    assert row["inference_images_per_s"] == 2000


def test_compiling_is_that_of_the_model_though_an_older_version_ran_before_the_others():
    old = compiled(make_record(make_case("cnn"), at=0), 9.0, commit="a")
    other = compiled(make_record(make_case("resnet"), at=1), 2.0, commit="b")
    new = compiled(make_record(make_case("cnn"), at=2), 4.0, commit="b")
    found = {row["model"]: row["compile_s"] for row in rows(old, other, new)}
    assert found == {"cnn": 4.0, "resnet": 2.0}


def test_failures_and_what_cannot_be_compared_stay_apart():
    found = accuracy_tables(
        make_record(),
        make_record(make_case("svm"), status="failed"),
        make_record(make_case("svm", train_images=500)),
        make_record(make_case("svm", dataset="synthetic")),
        make_record(make_case("svm", dataset="mnist")),
    )
    assert [table.title.partition(": ")[2] for table in found] == [
        "fashion_mnist, 1,000 test images",
        "fashion_mnist, 500 training images, 1,000 test images",
        "mnist, 1,000 test images",
        "synthetic, 1,000 test images",
    ]
    assert [len(table.rows) for table in found] == [1, 1, 1, 1]
    assert [table.synthetic for table in found] == [False, False, False, True]


def test_a_recipe_is_a_model_of_its_own():
    own, best = make_record(make_case("cnn")), make_record(make_case("cnn"), at=1)
    case = best.case.model_copy(update={"recipe": "best"})
    frame = records_to_frame([own, best.model_copy(update={"case": case})], FOLDER)
    assert list(by_model(frame)["model"]) == ["cnn", "cnn-best"]


def test_machines_have_rows_of_their_own():
    (found,) = accuracy_tables(make_record(), make_record(host=make_host(id="other-4c")))
    assert list(found.rows["machine"]) == ["other-4c", "test-cpu-2c"]


def test_own_and_published_runs_have_rows_of_their_own():
    own, other = make_record(), make_record(at=1)
    other = other.model_copy(update={"run": other.run.model_copy(update={"folder": "f" * 16})})
    assert [row["published"] for row in rows(own, other, folder=FOLDER)] == [False, True]
    assert [row["published"] for row in rows(own, other)] == [False]


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_is_wilsons(counts):
    correct, total = counts
    z, share = 1.959963985, correct / total
    centre = share + z**2 / (2 * total)
    half = z * np.sqrt(share * (1 - share) / total + z**2 / (4 * total**2))
    expected = np.array([centre - half, centre + half]) / (1 + z**2 / total)
    np.testing.assert_allclose(wilson(correct, total), expected, atol=1e-9)
    scipys = binomtest(correct, total).proportion_ci(method="wilson")
    np.testing.assert_allclose(wilson(correct, total), scipys, atol=1e-12)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=2, max_size=9))
def test_the_interval_of_a_mean_is_students(values):
    reach = t.ppf(0.975, len(values) - 1) * sem(values)
    expected = np.mean(values) - reach, np.mean(values) + reach
    np.testing.assert_allclose(mean_interval(values), expected, atol=1e-12)
