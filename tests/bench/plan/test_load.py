import itertools

import pytest

from bench.plan import load
from bench.plan.limits import MAX_CASES
from bench.plan.plan import Plan
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
        ("model=3", "model: input should be a table, got 3"),
        ("grid=3", "grid: input should be a table, got 3"),
        ("grid.svm.C=3", "grid.svm.0.C: input should be a valid array, got 3"),
        ("grid.svm.C=[]", "grid.svm.0.C: list should have at least 1 item"),
        ("grid.smv.C=[1]", "unknown model 'smv': did you mean 'svm'?"),
        ("grid.svm.c=[1]", "unknown key 'svm.c': did you mean 'svm.C'?"),
        ("grid.svm.C=[1, -2]", "svm.C: input should be greater than 0, got -2"),
        ("grid.linear_svc={loss=['hinge'], penalty=['l2', 'l1']}", "linear_svc: loss 'hinge' cann"),
        ("gird.svm.C=[1]", "unknown model or table 'gird': did you mean 'grid'?"),
        ("seeds=true", "seeds: input should be a valid integer, got True"),
        ("seeds='3'", "seeds: input should be a valid integer, got '3'"),
        ("seeds=3.0", "seeds: input should be a valid integer, got 3.0"),
        ("seeds=1979-05-27", "seeds: input should be a valid integer, got '1979-05-27'"),
        ("timeout=true", "timeout: input should be a valid number, got True"),
        ("timeout=1e9", "timeout: input should be less than or equal to 100000000, got 1000000000"),
        ("memory_limit=true", "memory_limit: "),
        ("memory_limit='99999999 TiB'", "memory_limit: input should be less than"),
        ("resnet.epochs=true", "resnet.epochs: input should be a valid integer, got True"),
        ("resnet.augment.flip=1", "resnet.augment.flip: input should be a valid boolean, got 1"),
        ("knn.n_neighbors=true", "knn.n_neighbors: input should be a valid integer, got True"),
        ("grid.svm.C=[true]", "svm.C: input should be a valid number, got True"),
        ("mlp.hidden=[true]", "mlp.hidden.0: input should be a valid integer, got True"),
        (
            "data.split_seed=99999999999",
            "data.split_seed: input should be less than 4294967296, got 99999999999",
        ),
        ("data.split_seed=-1", "data.split_seed: input should be greater than or equal to 0"),
        ("seeds=1000000000", "seeds: input should be less than or equal to 100000, got 1000000000"),
        (f"seeds=0x{'f' * 5000}", "has a number of thousands of digits"),
        (f"seeds={'9' * 5000}", "seeds: input should be a valid integer"),
        (f"seeds={'[' * 3000}{']' * 3000}", "seeds: input should be a valid integer"),
        ("seeds=3\nretries=4", "seeds: input should be a valid integer, got '3\\nretries=4'"),
        ("models=['smv']", "unknown model 'smv': did you mean 'svm'?"),
    ],
)
def test_a_mistake_is_one_line_that_names_it(assignment, message):
    with pytest.raises(UserError) as caught:
        load.load(None, [assignment])
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_a_grid_varies_cannot_be_set_too():
    message = r"svm\.C is both set and varied: remove it from \[model\.svm\] and --set"
    with pytest.raises(UserError, match=message):
        load.load("official-grid", ["svm.C=3"])


def test_set_reaches_every_kind_of_field():
    loaded = load.load(
        None,
        ["seeds=2", "svm.gamma=auto", "model.knn.n_neighbors=7", "mlp.hidden=[8, 8]",
         "resnet.augment.shift=2", "data.train_images=500"],
    )  # fmt: skip
    assert loaded.seeds == 2
    assert loaded.data.train_images == 500
    assert loaded.learner("svm").gamma == "auto"
    assert loaded.learner("knn").n_neighbors == 7
    assert loaded.learner("mlp").hidden == (8, 8)
    augment = loaded.learner("resnet").augment
    assert (augment.shift, augment.alternate) == (2, True)  # the model's own, not the class's


def test_a_huge_grid_is_refused_before_it_is_multiplied_out():
    values = list(range(1, 10_001))
    with pytest.raises(UserError, match=r"grid\.mlp has more than 100,000 points"):
        load.load(None, [f"grid.mlp.{name}={values}" for name in ("max_iter", "batch_size")])


def test_the_bound_is_on_all_cases_together():
    assert load.load(None, models=("knn", "svm"), seeds=MAX_CASES // 2).seeds == MAX_CASES // 2
    with pytest.raises(UserError, match="this plan has 100,002 cases, more than the 100,000"):
        load.load(None, models=("knn", "svm"), seeds=MAX_CASES // 2 + 1)


def test_models_named_twice_run_once():
    assert load.load(None, ["models=['svm', 'knn', 'svm']"]).names() == ("svm", "knn")


def test_a_byte_order_mark_is_no_part_of_the_file(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("seeds = 3\n", encoding="utf-8-sig")
    assert load.load(str(path)).seeds == 3


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_another_encoding_is_named(tmp_path, encoding):
    path = tmp_path / "mine.toml"
    path.write_text("# für mich\nseeds = 3\n", encoding=encoding)
    with pytest.raises(UserError, match="it is not UTF-8 text"):
        load.load(str(path))


def test_a_config_is_a_file_anywhere_or_a_name(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").write_text("seeds = 3\n")
    assert {load.load(name).seeds for name in ("mine", "./mine", "~/mine")} == {3}
    (tmp_path / "folder.toml").mkdir()
    with pytest.raises(UserError, match=r"cannot read config folder\.toml: Is a directory"):
        load.load("folder.toml")


def test_the_command_line_wins_over_set_and_file(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("seeds = 3\ntimeout = 5.0\n")
    loaded = load.load(str(path), ["seeds=4"], seeds=5, timeout=None)
    assert (loaded.seeds, loaded.timeout) == (5, 5.0)


@pytest.mark.parametrize(
    "content",
    [
        b"seeds = ",
        b"\xff\xfe",
        b"[model.nosuch]\nx = 1",
        b"[[seeds]]",
        b"seeds = " + b"[" * 5000 + b"]" * 5000,
        b"seeds = " + b"9" * 5000,
    ],
)
def test_a_malformed_file_is_one_line(tmp_path, content):
    path = tmp_path / "mine.toml"
    path.write_bytes(content)
    with pytest.raises(UserError):
        load.load(str(path))


def test_a_missing_file_is_answered_with_the_nearest():
    with pytest.raises(UserError, match="did you mean 'smoke'"):
        load.load("smok")


@pytest.mark.parametrize("name", load.named_configs())
def test_every_config_of_the_suite_loads(name):
    loaded = load.load(name)
    assert loaded.names()
    for name in loaded.names():
        assert all(loaded.learner(name, point) for point in loaded.points(name))


def test_the_default_config_says_what_the_defaults_are():
    assert load.load("default") == Plan()


def test_families_of_xiao2017_run_when_they_are_named_and_not_with_the_rest():
    assert {"resnet", "svm"} <= set(Plan().names())
    assert "perceptron" not in Plan().names()
    assert Plan(models=("perceptron",)).names() == ("perceptron",)


def test_a_models_table_is_inside_that_of_the_models(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("[cnn]\nepochs = 1\n")
    with pytest.raises(UserError, match=r"unknown key 'cnn': did you mean \[model.cnn\]\?"):
        load.load(str(path))


@pytest.mark.parametrize("name", load.named_configs())
def test_every_config_states_its_command_run_time_and_score(name):
    lines = load.named_configs()[name].read_text(encoding="utf-8").splitlines()
    comment = "\n".join(itertools.takewhile(lambda line: line.startswith("#"), lines))
    command = "python -m bench run --all" + ("" if name == "default" else f" --config {name}")
    assert command in comment
    assert "Run time: " in comment
    assert "Expected score: " in comment
