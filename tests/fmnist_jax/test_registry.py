import subprocess
import sys

import pytest

from fmnist_jax.data.dataset import DATASETS
from fmnist_jax.errors import UserError
from fmnist_jax.learner import LEARNERS
from fmnist_jax.registry import Registry

ENTRY = '''
from {package}.names import THINGS

@THINGS.register("{name}")
def {name}():
    """Summary of {name}.

    More."""
'''


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package on the path with a registry in it, and a way to add entries."""
    folder = tmp_path / "things_for_test"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "names.py").write_text(
        "from fmnist_jax.registry import Registry\n"
        "THINGS = Registry('thing', 'THINGS', 'things_for_test')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    for name in [name for name in sys.modules if name.startswith("things_for_test")]:
        del sys.modules[name]


def add(package, file, name):
    (package / file).write_text(ENTRY.format(package=package.name, name=name))


def load(package) -> Registry:
    return __import__(f"{package.name}.names", fromlist=["THINGS"]).THINGS


def test_finds_entries_without_importing_them(package):
    add(package, "one.py", "first")
    add(package, "two.py", "second")
    (package / "broken.py").write_text("raise RuntimeError('imported')")
    registry = load(package)
    assert list(registry.catalogue) == ["first", "second"]
    assert registry.catalogue["first"].summary == "Summary of first."
    assert "things_for_test.one" not in sys.modules


def test_resolving_imports_that_entry_alone(package):
    add(package, "one.py", "first")
    add(package, "two.py", "second")
    registry = load(package)
    assert registry["second"].__name__ == "second"
    assert "things_for_test.one" not in sys.modules


def test_a_duplicate_raises(package):
    add(package, "one.py", "same")
    add(package, "two.py", "same")
    with pytest.raises(ValueError, match=r"'same' is registered twice.*one and .*two"):
        _ = load(package).catalogue


def test_a_duplicate_at_run_time_raises():
    registry = Registry("thing", "THINGS")
    registry.register("x")(1)
    with pytest.raises(ValueError, match="twice"):
        registry.register("x")(2)


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(UserError, match="unknown model 'ResNet': did you mean 'resnet'"):
        LEARNERS["ResNet"]
    with pytest.raises(UserError, match=r"unknown dataset 'zzz': choose from: .*mnist"):
        DATASETS["zzz"]


def test_the_catalogue_loads_neither_jax_nor_sklearn():
    code = (
        "import sys; from bench.commands.list import catalogue; found = catalogue(); "
        "assert found['models'] and found['baselines'] and found['datasets']; "
        "sys.exit(bool({'jax', 'flax', 'sklearn'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
