"""What a wheel holds: everything that the command needs, in a folder far from the checkout."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

BUILD = "import sys; from setuptools.build_meta import build_wheel; print(build_wheel(sys.argv[1]))"


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The unpacked wheel of this checkout, built from a copy of it."""
    pytest.importorskip("setuptools", minversion="77", reason="builds a wheel with setuptools>=77")
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("target")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in ("bench", "configs", "fmnist_jax"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, source / name, symlinks=True, ignore=ignored)
    done = subprocess.run(
        [sys.executable, "-c", BUILD, str(target)], cwd=source, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    (wheel,) = target.glob("*.whl")
    with zipfile.ZipFile(wheel) as file:
        file.extractall(target / "site")
    return target / "site"


def test_named_configs_are_found_where_it_is_installed(installed, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "bench", "list", "--json"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    here = {path.stem for path in (ROOT / "configs").glob("*.toml")}
    assert set(json.loads(done.stdout)["configs"]) == here


def test_every_module_is_in_the_wheel(installed):
    def modules(root):
        paths = (path for name in ("bench", "fmnist_jax") for path in (root / name).rglob("*.py"))
        return {path.relative_to(root) for path in paths}

    assert modules(installed) == modules(ROOT)


def test_what_the_report_is_made_of_is_in_the_wheel(installed):
    folder = Path("bench/reporting/html/assets")
    assert {path.name for path in (installed / folder).iterdir()} == {
        path.name for path in (ROOT / folder).iterdir()
    }


def test_the_licence_is_in_the_wheel(installed):
    assert list(installed.glob("*.dist-info/licenses/LICENSE"))
