from hypothesis import given, settings
from hypothesis import strategies as st

from bench.plan import cases, load
from bench.records.identity import digest_config


class Named:
    """In the place of a dataset: no array matters here."""

    name, sha256, synthetic = "fashion_mnist", "0" * 64, False


def test_cases_are_models_times_seeds_with_resolved_configs():
    loaded = load.load(None, ["knn.n_neighbors=3"], models=("knn", "svm"), seeds=2)
    planned = cases.make_cases(loaded, Named())
    assert [(case.model, case.seed) for case in planned] == [
        ("knn", 0), ("knn", 1), ("svm", 0), ("svm", 1),
    ]  # fmt: skip
    assert planned[0].config["model"] == {
        "n_neighbors": 3,
        "weights": "distance",
        "p": 2,
        "square_root": True,
        "unit_length": True,
        "standardise": False,
    }
    assert planned[0].config_hash == planned[1].config_hash != planned[2].config_hash


@settings(max_examples=50)
@given(st.dictionaries(st.text(), st.integers() | st.text() | st.booleans(), min_size=1))
def test_the_hash_ignores_order_and_sees_every_value(document):
    reordered = dict(reversed(document.items()))
    assert digest_config(document) == digest_config(reordered)
    key = next(iter(document))
    assert digest_config(document) != digest_config(document | {key: [document[key]]})


def test_a_value_that_the_grid_names_twice_is_run_once():
    loaded = load.load(
        None,
        ["grid.knn=[{n_neighbors=[3, 3, 5]}, {n_neighbors=[5]}]", "grid.svm.C=[1, 1.0]"],
    )
    planned = cases.make_cases(loaded, Named())
    assert [(case.model, case.point) for case in planned] == [
        ("knn", {"n_neighbors": 3}),
        ("knn", {"n_neighbors": 5}),
        ("svm", {"C": 1.0}),
    ]


def test_a_recipe_names_the_models_that_it_changes():
    loaded = load.load(None, ['recipe="best"', 'models=["cnn", "knn"]', "cnn.epochs=3"])
    recipes = [(case.model, case.recipe) for case in cases.make_cases(loaded, Named())]
    assert recipes == [("cnn", "best"), ("knn", None)]


def test_a_grid_varies_fields_that_a_config_leaves_out_at_their_defaults():
    loaded = load.load(
        None, ["grid.cnn.seeds_together=[1, 4]", "grid.knn.square_root=[false, true]"]
    )
    points = [(case.model, case.point) for case in cases.make_cases(loaded, Named())]
    assert points == [
        ("cnn", {"seeds_together": 1}),
        ("cnn", {"seeds_together": 4}),
        ("knn", {"square_root": False}),
        ("knn", {"square_root": True}),
    ]
