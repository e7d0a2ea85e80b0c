"""The verb on machines that lack something; each fault is caused, in a process of its own."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from bench.diagnosis import doctor as diagnosis
from bench.diagnosis.finding import Situation
from bench.measure.host.software import ROOT

NO_NETWORK = dict.fromkeys(
    ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9"
)
# No cache folder is named, and the one below the home folder cannot be made.
NO_HOME = {"FMNIST_CACHE_DIR": "", "HOME": "/proc", "XDG_CACHE_HOME": ""}


@pytest.fixture
def doctor(tmp_path):
    """Run the verb on an empty results folder; returns the exit code and findings by topic."""

    def call(*arguments, prefix=(), **environment):
        done = subprocess.run(
            [*prefix, sys.executable, "-m", "bench", "doctor", "--json", *map(str, arguments),
             "--results", tmp_path / "results"],
            capture_output=True, text=True, timeout=120, env=os.environ | environment,
        )  # fmt: skip
        assert "Traceback" not in done.stderr, done.stderr
        report = json.loads(done.stdout)
        assert report["usable"] == (done.returncode == 0)
        return done.returncode, {found["topic"]: found for found in report["findings"]}

    return call


@pytest.fixture
def without_jax(tmp_path):
    """An environment in which jax cannot be imported, which also makes the doctor quick."""
    package = tmp_path / "broken" / "jax"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise ImportError('no libjax')\n")
    path = [str(package.parent), os.environ.get("PYTHONPATH", "")]
    return {"PYTHONPATH": os.pathsep.join(filter(None, path))}


@pytest.mark.skipif(not shutil.which("taskset"), reason="needs taskset")
def test_one_core_without_a_network_and_with_a_home_that_cannot_be_written(doctor, tmp_path):
    core = str(min(os.sched_getaffinity(0)))
    code, found = doctor(prefix=("taskset", "-c", core), **NO_HOME, **NO_NETWORK)
    assert code == 0
    assert found["cores"]["facts"]["usable"] == 1
    assert found["machine"]["facts"]["id"].endswith("-1c")
    assert found["jax"]["facts"]["devices"] == 1
    if os.cpu_count() > 1:
        assert (found["cores"]["status"], found["cores"]["facts"]["affinity"]) == ("warning", 1)
    assert found["fashion_mnist"]["facts"]["origin"] == "synthetic"
    assert "the proxy cannot be reached" in found["fashion_mnist"]["text"]
    assert "FMNIST_DATA_DIR" in found["fashion_mnist"]["remedy"]
    assert found["cache"]["status"] == "warning"
    assert "/proc" in found["cache"]["text"]
    assert "FMNIST_CACHE_DIR" in found["cache"]["remedy"]
    assert set(found["cases"]["facts"]["place"].values()) == {"1 core"}
    assert "unknown" in found["run --all"]["text"]  # no machine of one core is published
    assert not (tmp_path / "results").exists(), "an examination makes no folder"


def test_without_jax_the_rest_is_examined(doctor, without_jax, cache):
    code, found = doctor(FMNIST_CACHE_DIR=str(cache), **NO_NETWORK, **without_jax)
    assert code == 1
    assert found["jax"]["status"] == "problem"
    assert "no libjax" in found["jax"]["text"]
    assert found["jax"]["remedy"] == "make setup"
    assert found["machine"]["facts"]["cpu"]
    assert found["run --all"]["status"] == "problem"
    assert {"python", "packages", "extras", "memory", "results"} <= set(found)


def test_a_variable_that_stops_jax_is_the_remedy(doctor, cache):
    code, found = doctor(FMNIST_CACHE_DIR=str(cache), JAX_PLATFORMS="nonsense", **NO_NETWORK)
    assert code == 1
    assert "unset JAX_PLATFORMS=nonsense" in found["jax"]["text"]
    assert found["jax"]["remedy"] == ""


def test_a_data_folder_that_cannot_be_read_blocks_a_run(doctor, without_jax, tmp_path):
    loop = tmp_path / "loop"
    loop.symlink_to(loop)  # not even root can read it
    code, found = doctor("--data-dir", loop, **NO_NETWORK, **without_jax)
    assert code == 1
    assert found["fashion_mnist"]["status"] == "problem"
    assert f"{loop} cannot be read" in found["fashion_mnist"]["text"]
    assert "--data-dir" in found["fashion_mnist"]["remedy"]


def test_published_records_stand_in_for_an_empty_folder(tmp_path):
    situation = diagnosis._with_records(Situation(tmp_path))
    assert situation.records == ()
    assert len(situation.published) > 7
    own = diagnosis._with_records(Situation(ROOT / "results"))
    assert (len(own.records), own.published) == (len(situation.published), ())


def test_a_topic_that_cannot_be_imported_is_a_problem_with_its_remedy(monkeypatch):
    monkeypatch.setattr(diagnosis, "TOPICS", ("nosuch",))
    (found,) = diagnosis._examine("nosuch", Situation(results=None))
    assert (found.status, found.remedy) == ("problem", "make setup")
    assert "nosuch" in found.text
