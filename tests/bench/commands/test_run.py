"""The parts of `bench run` that are the command's own."""

import io
from dataclasses import replace

from bench.commands import run
from bench.commands.run import describe_shortfall
from bench.execution.scheduler import RunSummary
from bench.records import store
from bench.reporting.rendering.console import PlainConsole
from tests.contract.test_reporting import whole
from tests.support.factory import make_case, make_host, make_record


def test_what_could_not_be_stored_is_one_line_with_the_next_step(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    summary = RunSummary([], elsewhere, lost=0, left=3, interrupted=False)
    text = describe_shortfall(summary, tmp_path)
    assert f"{elsewhere}: copy that into it" in text
    assert "3 case(s) were not begun" in text
    assert "lost" not in text
    assert "2 record(s) are lost" in describe_shortfall(replace(summary, lost=2), tmp_path)


def named(console):
    """The commands that were printed since this was asked last."""
    text = " ".join(console.export_text().split())
    commands = text.removeprefix("next: ").split("python -m bench ")[1:]
    return [command.partition(" --results ")[0] for command in commands]


def test_the_commands_to_go_on_with_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "_python", lambda: "python")
    records = [
        make_record(make_case("dense"), accuracy=0.90),
        make_record(make_case("cnn"), accuracy=0.93).model_copy(
            update={"explanations": whole("cnn").explanations}
        ),
        make_record(make_case("svm"), status="timeout"),
    ]
    for record in records:
        store.write(tmp_path, record, {})
    console = PlainConsole(file=io.StringIO(), width=150, record=True)
    run._print_next(console, list(store.read(tmp_path)))
    assert named(console) == ["report", "gradcam cnn"]
    store.write(tmp_path, make_record(host=make_host(id="other-4c")), {})
    run._print_next(console, list(store.read(tmp_path)))
    assert named(console) == ["report", "compare", "gradcam cnn"]  # there is a second machine


def test_python_is_named_as_a_shell_here_finds_it(tmp_path, monkeypatch):
    here, away = tmp_path / "clone", tmp_path / "away"
    for folder in (here / ".venv" / "bin", away):
        folder.mkdir(parents=True)
        for name in ("python", "python3"):
            (folder / name).touch(mode=0o755)
    monkeypatch.chdir(here)
    monkeypatch.setattr(run.sys, "executable", str(here / ".venv" / "bin" / "python3"))
    monkeypatch.setenv("PATH", str(away))
    assert run._python() == ".venv/bin/python3"
    monkeypatch.setenv("PATH", str(here / ".venv" / "bin"))
    assert run._python() == "python"
    monkeypatch.chdir(away)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run._python() == str(here / ".venv" / "bin" / "python3")


def test_where_all_failed_no_command_is_named(tmp_path):
    store.write(tmp_path, make_record(make_case("svm"), status="timeout"), {})
    console = PlainConsole(file=io.StringIO(), width=150, record=True)
    run._print_next(console, list(store.read(tmp_path)))
    assert console.export_text() == ""
