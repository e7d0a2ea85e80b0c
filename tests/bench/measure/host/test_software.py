import json
import os
import subprocess
import sys

import pytest

from bench.measure.host import software


def test_software_does_not_import_what_it_names():
    code = (
        "import sys; from bench.measure.host import software; "
        "software.describe_software(); software.describe_code(); "
        "sys.exit(bool({'jax', 'flax', 'sklearn', 'lightgbm'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=software.ROOT).returncode == 0


def settings_of(**environment):
    code = (
        "import json; from bench.measure.host.software import changed_jax_settings; "
        "print(json.dumps(changed_jax_settings()))"
    )
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("JAX_")}
    done = subprocess.run(
        [sys.executable, "-c", code], env=inherited | environment, cwd=software.ROOT,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return json.loads(done.stdout)


def test_settings_that_change_results_are_told_from_the_others():
    neutral = {
        "JAX_LOG_COMPILES": "1",
        "JAX_COMPILATION_CACHE_DIR": "somewhere",
        "JAX_NUMPY_RANK_PROMOTION": "warn",
        "JAX_PLATFORMS": "cpu",
        "JAX_THREEFRY_PARTITIONABLE": "1",  # the default
    }
    changed = {"JAX_ENABLE_X64": "1", "JAX_DEFAULT_PRNG_IMPL": "rbg", "NVIDIA_TF32_OVERRIDE": "0"}
    assert settings_of(**neutral) == {}
    assert settings_of(**neutral, **changed) == {
        "NVIDIA_TF32_OVERRIDE": "0",
        "jax_default_prng_impl": "rbg",
        "jax_enable_x64": True,
    }


def git(folder, *arguments):
    # Outside the environment of a hook that may run these tests.
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", folder, *arguments]
    return subprocess.run(command, env=clean, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def other_repository(tmp_path):
    git(tmp_path, "init", "-q")
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "other")
    return tmp_path


def test_the_commit_is_the_suites_own_whatever_a_hook_sets(other_repository, monkeypatch):
    own = software.describe_code()
    monkeypatch.setenv("GIT_DIR", str(other_repository / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other_repository))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other_repository / "index"))
    assert software.describe_code() == own
    assert own.commit != git(other_repository, "rev-parse", "HEAD").strip()


def test_installed_inside_a_repository_it_has_no_commit(other_repository, monkeypatch):
    installed = other_repository / ".venv" / "lib"
    installed.mkdir(parents=True)
    monkeypatch.setattr(software, "ROOT", installed)
    code = software.describe_code()
    assert (code.commit, code.dirty) == (None, None)
    assert code.version


def test_a_checkout_is_dirty_by_its_code_and_not_by_its_records(other_repository, monkeypatch):
    monkeypatch.setattr(software, "ROOT", other_repository.resolve())
    (other_repository / "results").mkdir()
    (other_repository / "results" / "record.json").touch()
    code = software.describe_code()
    assert (code.commit, code.dirty) == (git(other_repository, "rev-parse", "HEAD").strip(), False)
    (other_repository / "new.py").touch()
    assert software.describe_code().dirty is True


def test_without_git_there_is_no_commit(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert software.describe_code().commit is None
