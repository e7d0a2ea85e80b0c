"""What each topic finds, on machines that are made up."""

from collections import namedtuple
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from bench.commands.doctor import _show
from bench.diagnosis import data, folders, forecast, hardware, packages
from bench.diagnosis.finding import Finding, Situation
from bench.records.schema import Time
from tests.support.factory import make_case, make_host, make_record


@pytest.mark.parametrize(
    ("text", "lacking"),
    [
        ("numpy", []),
        ("numpy>=999", [f"numpy>=999 ({metadata.version('numpy')} is installed)"]),
        ("no-such-package-here>=1", ["no-such-package-here>=1"]),
        ("fmnist-jax[dev]", []),
    ],
)
def test_a_requirement_is_there_with_its_version_and_its_extras(text, lacking):
    assert list(packages.missing(Requirement(text))) == lacking


def test_what_an_extra_of_a_package_needs_is_looked_for(monkeypatch):
    monkeypatch.setattr(packages.metadata, "version", _version)
    monkeypatch.setattr(packages.metadata, "requires", lambda _: ["plugin; extra == 'cuda13'"])
    assert list(packages.missing(Requirement("jax[cuda13]"))) == ["plugin"]


def _version(name):
    if name != "jax":
        raise metadata.PackageNotFoundError(name)
    return "1.0"


def test_a_gpu_that_jax_does_not_use_is_named_with_the_extra(monkeypatch):
    monkeypatch.setattr(packages, "ask_nvidia", lambda: ("580.1", 80))
    found = packages._jax(Situation(Path("results"), host=make_host()))
    assert found.status == "warning"
    assert "'.[cuda]'" in found.remedy
    gpu = make_host(accelerator="NVIDIA H100", accelerator_count=2)
    used = packages._jax(Situation(Path("results"), host=gpu))
    assert (used.status, used.text) == ("ok", "0.10.2 on 2 × NVIDIA H100")


def test_a_quota_and_an_affinity_mask_are_told_apart(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(4)), raising=False)
    monkeypatch.setattr(hardware, "available_cores", lambda: (0, 1))
    monkeypatch.setattr(hardware, "cpu_quota", lambda: 2.5)
    found = hardware._cores()
    assert found.status == "warning"
    assert "2 of 8: the container's quota is 2.5" in found.text
    monkeypatch.setattr(hardware, "available_cores", lambda: (0, 1, 2, 3))
    assert "the affinity mask has 4" in hardware._cores().text


def test_little_memory_is_a_warning(monkeypatch):
    memory = namedtuple("Memory", "total available")(64 * 2**30, 32 * 2**30)
    monkeypatch.setattr(hardware.psutil, "virtual_memory", lambda: memory)
    monkeypatch.setattr(hardware, "memory_limit", lambda: 2**63)
    assert hardware._memory().status == "ok"
    monkeypatch.setattr(hardware, "memory_limit", lambda: 2**30)
    found = hardware._memory()
    assert found.status == "warning"
    assert "1.00 GiB granted to this container" in found.text
    assert found.facts["limit_bytes"] == 2**30


def test_the_data_come_from_the_folder_then_the_cache_then_the_network(
    monkeypatch, fashion_dir, tmp_path
):
    from_folder = data._fashion_mnist(fashion_dir)
    assert (from_folder.status, from_folder.facts["origin"]) == ("ok", "data-dir")
    monkeypatch.setattr(data.acquire, "check_network", lambda card: None)
    assert data._fashion_mnist(None).facts["origin"] == "network"
    monkeypatch.setattr(data.cache, "find", lambda card, folder: object())
    assert data._fashion_mnist(None).facts["origin"] == "cache"


def test_a_named_folder_without_the_files_is_a_problem(monkeypatch, tmp_path):
    monkeypatch.setenv("FMNIST_DATA_DIR", str(tmp_path))
    found = data._fashion_mnist(None)
    assert found.status == "problem"
    assert "unset FMNIST_DATA_DIR" in found.remedy


def test_a_results_folder_that_cannot_be_written_is_a_problem(tmp_path):
    (tmp_path / "file").touch()
    found = folders._results(tmp_path / "file" / "results")
    assert found.status == "problem"
    assert "--results FOLDER" in found.remedy
    assert folders._results(tmp_path / "a" / "b").status == "ok"
    assert not (tmp_path / "a").exists()


def test_a_full_disk_is_a_warning(monkeypatch, tmp_path):
    usage = namedtuple("Usage", "total used free")(10, 9, 10**6)
    monkeypatch.setattr(folders.shutil, "disk_usage", lambda _: usage)
    assert folders._results(tmp_path).status == "warning"


def test_networks_take_all_cores_in_turn_and_baselines_share_them():
    cases = [make_case("cnn"), make_case("svm"), make_case("knn")]
    took = {"cnn": 10.0, "svm": 7.0, "knn": 4.0}
    starts, total = forecast.schedule(cases, took, (0, 1), make_host())
    assert [(at, case.model, len(slot)) for at, case, slot in starts] == [
        (0.0, "cnn", 2),
        (10.0, "svm", 1),
        (10.0, "knn", 1),
    ]
    assert total == 17.0
    assert forecast.schedule(cases, took, (0,), make_host())[1] == 21.0


def finished(cases, machine, seconds, at=0):
    host = make_host(id=machine)
    return [
        make_record(case, host=host, at=at).model_copy(update={"time": Time(total_s=seconds)})
        for case in cases
    ]


def duration(host, *records):
    cases = [make_case("cnn"), make_case("resnet")]
    situation = Situation(Path("results"), host=make_host(id=host), records=records)
    return forecast._duration(cases, situation)


def test_the_duration_comes_from_this_machines_newest_records():
    cases = [make_case("cnn"), make_case("resnet")]
    other = finished(cases, "other-2c", 5.0)
    old, new = finished(cases, "here-2c", 50.0), finished(cases, "here-2c", 20.0, at=9)
    found = duration("here-2c", *new, *old, *other)
    assert "about 40 s on here-2c" in found.text
    assert found.facts["seconds_by_machine"] == {"here-2c": 40.0}


def test_else_it_is_the_other_machines_own_and_says_so():
    cases = [make_case("cnn"), make_case("resnet")]
    found = duration("here-2c", *finished(cases, "other-2c", 5.0))
    assert "unknown here until it has run; 10 s on other-2c" in found.text
    part = finished(cases[:1], "here-2c", 5.0)
    assert "unknown until it has run" in duration("here-2c", *part).text
    others = [*finished(cases, "other-2c", 5.0), *finished(cases, "third-2c", 7.0)]
    found = duration("here-2c", *part, *others)
    assert "10 s on other-2c" in found.text
    assert "14 s on third-2c" in found.text
    changed = [make_case("cnn", epochs=1), make_case("resnet", epochs=1)]
    assert "unknown until it has run" in duration("here-2c", *finished(changed, "here-2c", 1)).text


def test_a_finding_is_printed_as_text_with_its_remedy(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    _show([Finding("data", "problem", "[bold]\x1b[31m", "do [this]"), Finding("x", "ok", "fine")])
    out = capsys.readouterr().out
    assert "[bold]\\x1b[31m" in out
    assert "-> do [this]" in out
    assert "1 problem(s) keep a run from starting" in out


@pytest.mark.parametrize(
    ("error", "status", "remedy"),
    [(PermissionError(13, "Permission denied"), "warning", "chmod a+r"), (None, "ok", "")],
)
def test_energy_that_cannot_be_measured_is_said_with_the_reason(monkeypatch, error, status, remedy):
    def counters():
        if error:
            raise error
        return []

    monkeypatch.setattr("bench.measure.host.energy.processor_counters", counters)
    (found,) = hardware._energy(Situation(Path("results"), host=make_host()))
    assert (found.status, found.facts["source"]) == (status, None)
    assert "not measurable here" in found.text
    assert remedy in found.remedy
