"""configs/official-grid.toml against the grid that the dataset's authors published.

`official_grid.json` is benchmark/baselines.json of github.com/zalandoresearch/fashion-mnist,
© Zalando SE, MIT licence.
"""

import itertools
import json
from ast import literal_eval
from collections import Counter
from pathlib import Path

import pytest

from bench.plan import load
from fmnist_jax.learner import LEARNERS

REFERENCE = json.loads((Path(__file__).parents[2] / "support" / "official_grid.json").read_text())[
    "classifiers"
]
CONFIG = load.named_configs()["official-grid"]

# Their names of classes, options and values -> ours; what is not listed is called the same.
FAMILIES = {
    "DecisionTreeClassifier": "decision_tree",
    "ExtraTreeClassifier": "extra_tree",
    "GaussianNB": "gaussian_nb",
    "GradientBoostingClassifier": "gradient_boosting",
    "KNeighborsClassifier": "knn",
    "LinearSVC": "linear_svc",
    "LogisticRegression": "logistic_regression",
    "MLPClassifier": "mlp",
    "PassiveAggressiveClassifier": "passive_aggressive",
    "Perceptron": "perceptron",
    "RandomForestClassifier": "random_forest",
    "SGDClassifier": "sgd",
    "SVC": "svm",
}
OPTIONS = {"hidden_layer_sizes": "hidden"}
VALUES = {("sgd", "loss", "log"): "log_loss"}


def published():
    """Every (class, options) of the published grid, as its own runner multiplies it out."""
    for name, dictionaries in REFERENCE.items():
        lists = {option: values for entry in dictionaries for option, values in entry.items()}
        for values in itertools.product(*lists.values()):
            yield name, dict(zip(lists, values, strict=True))


def ours(name, given):
    """The config that stands for a published configuration, or why there is none."""
    if name not in FAMILIES:
        return name
    model = FAMILIES[name]
    if model == "gradient_boosting":
        assert given.pop("loss") == "deviance"
    if model == "linear_svc" and given["multi_class"] == "crammer_singer":
        if (given.pop("loss"), given.pop("penalty")) != ("hinge", "l2"):
            return "crammer_singer with other losses and penalties"
    elif model == "linear_svc" and (given["loss"], given["penalty"]) == ("hinge", "l1"):
        return "penalty l1 with loss hinge"
    point = {
        OPTIONS.get(option, option): VALUES.get((model, option, str(value)), value)
        for option, value in given.items()
    }
    if "hidden" in point:
        point["hidden"] = literal_eval(point["hidden"])
    return load.load("official-grid").learner(model, point)


@pytest.fixture(scope="module")
def mapped():
    return [(name, ours(name, dict(given))) for name, given in published()]


def test_every_published_configuration_is_run_once_or_dropped_by_name(mapped):
    plan = load.load("official-grid")
    run = [plan.learner(name, point) for name in plan.names() for point in plan.points(name)]
    wanted = [found for _, found in mapped if not isinstance(found, str)]
    assert Counter(map(repr, run)) == Counter(map(repr, wanted))
    assert len(run) == 129


def test_the_config_says_what_is_dropped_and_how_much(mapped):
    text = CONFIG.read_text()
    dropped = Counter(found for _, found in mapped if isinstance(found, str))
    assert f"Dropped, {dropped.total()} of {len(mapped)}:" in text
    for reason, count in dropped.items():
        (line,) = [line for line in text.splitlines() if reason in line]
        assert f"({count})" in line


def test_every_family_is_there_with_the_figure_of_the_publication():
    plan = load.load("official-grid")
    assert sorted(plan.names()) == sorted(FAMILIES.values())
    # Xiao, Rasul, Vollgraf 2017, table 3.
    assert {name: LEARNERS[name].official_accuracy for name in plan.names()} == {
        "decision_tree": 0.798,
        "extra_tree": 0.775,
        "gaussian_nb": 0.511,
        "gradient_boosting": 0.880,
        "knn": 0.854,
        "linear_svc": 0.836,
        "logistic_regression": 0.842,
        "mlp": 0.871,
        "passive_aggressive": 0.776,
        "perceptron": 0.782,
        "random_forest": 0.873,
        "sgd": 0.819,
        "svm": 0.897,
    }


def test_pixels_are_standardised_as_they_were_then():
    plan = load.load("official-grid")
    assert all(plan.learner(name).standardise for name in plan.names())
