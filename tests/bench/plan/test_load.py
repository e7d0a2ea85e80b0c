import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.plan import cases as plan
from bench.plan import plan as config
from bench.plan.plan import Plan
from fmnist_jax.data.dataset import DATASETS
from fmnist_jax.errors import UserError


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("seed=1", "unknown key 'seed': did you mean 'seeds'?"),
        ("seeds=0", "seeds: input should be greater than 0, got 0"),
        ("jobs=many", "jobs: input should be"),
        ("timeout=-5", "timeout: input should be greater than 0, got -5"),
        ("resnt.epochs=3", "unknown model or table 'resnt': did you mean 'resnet'?"),
        ("resnet.epoch=3", "unknown key 'resnet.epoch': did you mean 'resnet.epochs'?"),
        ("resnet.epochs=-3", "resnet.epochs: input should be greater than 0, got -3"),
        ("resnet.epochs=few", "resnet.epochs: input should be a valid integer"),
        (
            "resnet.augment.flop=true",
            "did you mean 'resnet.augment.flip'?",
        ),
        ("svm.c=1", "unknown key 'svm.c': did you mean 'svm.C'?"),
        ("svm.C=inf", "svm.C: input should be a finite number"),
        ("data.train_images=-1", "data.train_images: input should be greater than 0, got -1"),
        (
            "data.trian_images=9",
            "did you mean 'data.train_images'?",
        ),
        ("resnet.epochs", "--set 'resnet.epochs' is not KEY=VALUE"),
        ("=3", "--set '=3' is not KEY=VALUE"),
        ("seeds=3 4", "seeds: input should be a valid integer"),
        ("seeds.x=3", "seeds: input should be a valid integer"),
        ("model=3", "model: input should be a valid dictionary"),
        ("grid=3", "grid: input should be a valid dictionary"),
        ("grid.svm.C=3", "grid.svm.0.C: input should be a valid list, got 3"),
        ("grid.svm.C=[]", "grid.svm.0.C: list should have at least 1 item"),
        ("grid.smv.C=[1]", "unknown model 'smv': did you mean 'svm'?"),
        ("grid.svm.c=[1]", "unknown key 'svm.c': did you mean 'svm.C'?"),
        ("grid.svm.C=[1, -2]", "svm.C: input should be greater than 0, got -2"),
        ("grid.linear_svc={loss=['hinge'], penalty=['l2', 'l1']}", "linear_svc: loss 'hinge' cann"),
        ("gird.svm.C=[1]", "unknown model or table 'gird': did you mean 'grid'?"),
    ],
)
def test_a_mistake_is_one_line_that_names_it(assignment, message):
    with pytest.raises(UserError) as caught:
        config.load(None, [assignment])
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_a_grid_varies_cannot_be_set_too():
    message = r"svm\.C is set and varied: leave it out of \[model\.svm\] and --set"
    with pytest.raises(UserError, match=message):
        config.load("official-grid", ["svm.C=3"])


def test_set_reaches_every_kind_of_field():
    loaded = config.load(
        None,
        ["seeds=2", "svm.gamma=auto", "model.knn.n_neighbors=7", "mlp.hidden=[8, 8]",
         "resnet.augment.shift=2", "data.train_images=500"],
    )  # fmt: skip
    assert loaded.seeds == 2
    assert loaded.data.train_images == 500
    assert loaded.learner("svm").gamma == "auto"
    assert loaded.learner("knn").n_neighbors == 7
    assert loaded.learner("mlp").hidden == (8, 8)
    assert loaded.learner("resnet").augment.shift == 2


def test_the_command_line_wins_over_set_and_file(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("seeds = 3\ntimeout = 5.0\n")
    loaded = config.load(str(path), ["seeds=4"], seeds=5, timeout=None)
    assert (loaded.seeds, loaded.timeout) == (5, 5.0)


@pytest.mark.parametrize(
    "content", [b"seeds = ", b"\xff\xfe", b"[model.nosuch]\nx = 1", b"[[seeds]]"]
)
def test_a_malformed_file_is_one_line(tmp_path, content):
    path = tmp_path / "mine.toml"
    path.write_bytes(content)
    with pytest.raises(UserError):
        config.load(str(path))


def test_a_missing_file_is_answered_with_the_nearest():
    with pytest.raises(UserError, match="did you mean 'smoke'"):
        config.load("smok")


@pytest.mark.parametrize("path", config.available(), ids=lambda path: path.stem)
def test_every_config_of_the_suite_loads(path):
    loaded = config.load(str(path))
    assert loaded.names()
    for name in loaded.names():
        assert all(loaded.learner(name, point) for point in loaded.points(name))


def test_the_default_config_says_what_the_defaults_are():
    assert config.load("default") == Plan()


def test_historic_families_run_when_they_are_named_and_not_with_the_rest():
    assert {"resnet", "svm"} <= set(Plan().names())
    assert "perceptron" not in Plan().names()
    assert Plan(models=("perceptron",)).names() == ("perceptron",)


def test_cases_are_models_times_seeds_with_resolved_configs():
    dataset = DATASETS["synthetic"]
    del dataset  # only the name matters here

    class Named:
        name, sha256, synthetic = "fashion_mnist", "0" * 64, False

    loaded = config.load(None, ["knn.n_neighbors=3"], models=("knn", "svm"), seeds=2)
    cases = plan.cases(loaded, Named())
    assert [(case.model, case.seed) for case in cases] == [
        ("knn", 0), ("knn", 1), ("svm", 0), ("svm", 1),
    ]  # fmt: skip
    assert cases[0].config["model"] == {
        "n_neighbors": 3,
        "weights": "distance",
        "p": 2,
        "unit_length": True,
        "standardise": False,
    }
    assert cases[0].config_hash == cases[1].config_hash != cases[2].config_hash


@settings(max_examples=50)
@given(st.dictionaries(st.text(), st.integers() | st.text() | st.booleans(), min_size=1))
def test_the_hash_ignores_order_and_sees_every_value(document):
    reordered = dict(reversed(document.items()))
    assert plan.config_hash(document) == plan.config_hash(reordered)
    key = next(iter(document))
    assert plan.config_hash(document) != plan.config_hash(document | {key: [document[key]]})


def test_a_models_table_is_inside_that_of_the_models(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("[cnn]\nepochs = 1\n")
    with pytest.raises(UserError, match=r"unknown key 'cnn': did you mean \[model.cnn\]\?"):
        config.load(str(path))
