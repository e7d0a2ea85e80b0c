"""What a person sees, on a terminal and in a log."""

import io

import numpy as np
import pytest

from bench.measure.messages import Progress, new_task
from bench.records import store
from bench.reporting import progress, svg
from bench.reporting.rendering.console import PlainConsole
from bench.reporting.summary import banner, print_report
from tests.contract.test_reporting import whole
from tests.support.factory import make_case, make_host, make_record


def screen(**options):
    return PlainConsole(file=io.StringIO(), width=150, record=True, **options)


def play(mode, console):
    cases = [make_case("cnn"), make_case("knn")]
    with progress.reporter(mode, console) as observer:
        observer.begin(cases)
        tasks = [new_task(case, make_host(), (0,)) for case in cases]
        for task in tasks:
            observer.started(task)
        observer.progress(tasks[0], Progress("compile"))
        observer.progress(tasks[0], Progress("train", 1, 2, 0.5, 0.8, 1234.0))
        observer.progress(tasks[1], Progress("", message="mind the gap"))
        for task, status in zip(tasks, ("ok", "failed"), strict=True):
            record = make_record(task.case, status=status)
            run = record.run.model_copy(update={"id": task.run_id})
            observer.finished(record.model_copy(update={"run": run}), False)


def test_plain_lines_in_a_log(capsys):
    play("auto", screen())
    err = capsys.readouterr().err
    assert "epoch 1/2  val loss 0.5000  val acc 0.8000  1,234 img/s" in err
    assert "mind the gap" in err
    assert "test accuracy 90.00%" in err
    assert "failed: because (0 to go)" in err
    assert "\x1b" not in err


def test_none_is_silent(capsys):
    play("none", screen())
    assert capsys.readouterr().err == ""


def test_bars_on_a_terminal(capsys):
    console = screen(force_terminal=True)
    play("auto", console)
    shown = console.export_text()
    assert "all cases" in shown
    assert "mind the gap" in shown
    assert "failed: because" in shown
    assert capsys.readouterr().err == ""


@pytest.fixture
def stored(tmp_path):
    explained = {"explanations": whole("cnn").explanations}
    records = [
        make_record(make_case("dense"), accuracy=0.90),
        make_record(make_case("cnn"), accuracy=0.93).model_copy(update=explained),
        make_record(make_case("knn"), accuracy=0.85),
        make_record(make_case("svm"), status="timeout"),
    ]
    for record in records:
        store.write(tmp_path, record, {"confusion.png": ("confusion", b"x")})
    return list(store.read(tmp_path))


def test_the_closing_report_has_it_all(stored):
    console = screen()
    print_report(console, stored, wall_s=61.0)
    shown = console.export_text()
    assert "93.00%" in shown
    assert "cnn by class" in shown
    assert "most confused: T-shirt/top for Trouser 7×" in shown
    assert "weighted average" in shown
    assert "timeout: because" in shown
    assert "3 case(s) finished, 1 failed, in 61 s" in shown
    finished = [found for found in stored if found.record.run.status == "ok"]
    assert all(found.path.stem in shown for found in finished)


def test_a_run_in_which_all_failed_is_reported_too(stored):
    console = screen()
    print_report(console, [found for found in stored if found.record.run.status != "ok"], 1)
    assert "0 case(s) finished, 1 failed" in console.export_text()


def test_overlays_are_shown_where_the_terminal_can(tmp_path):
    file = io.BytesIO()
    np.savez(file, overlays=np.full((3, 28, 28, 3), 7, np.uint8))
    artifacts = {
        "gradcam.png": ("gradcam", b"x"),
        "overlays.npz": ("overlays", file.getvalue()),
    }
    for seed, content in enumerate((artifacts, artifacts | {"overlays.npz": ("overlays", b"x")})):
        store.write(tmp_path, make_record(make_case("cnn", seed=seed)), content)
    stored, shown = list(store.read(tmp_path)), {}
    for colours in ("truecolor", "standard"):
        console = screen(force_terminal=True, color_system=colours)
        print_report(console, stored)
        shown[colours] = console.file.getvalue()
    # The whole one alone: its first pixel row, two pixels to a character.
    assert shown["truecolor"].count("48;2;7;7;7") > 0
    assert shown["truecolor"].count("\n") - shown["standard"].count("\n") == 15
    assert "48;2;7;7;7" not in shown["standard"]


def test_the_banner_gives_the_reason():
    console = screen()
    console.print(banner("no network"))
    assert "SYNTHETIC DATA: no network" in console.export_text()


def test_the_picture_is_an_svg_that_fetches_nothing(stored, tmp_path):
    out = tmp_path / "report.svg"
    svg.draw(tmp_path, out)
    text = out.read_text()
    assert text.startswith("<svg")
    assert "93.00%" in text
    assert "@font-face" not in text


def test_attempts_and_other_runs_are_told(capsys):
    case = make_case("knn")
    for mode, console in (("plain", screen()), ("auto", screen(force_terminal=True))):
        with progress.reporter(mode, console) as observer:
            observer.begin([case, make_case("svm")])
            task = new_task(case, make_host(), (0,))
            observer.started(task)
            record = make_record(case, status="timeout")
            run = record.run.model_copy(update={"id": task.run_id})
            observer.finished(record.model_copy(update={"run": run}), True)
            observer.locked_elsewhere(case)
            observer.finished_elsewhere(make_record(case))
        shown = console.export_text() + capsys.readouterr().err
        assert "timeout: because" in shown
        assert "another attempt follows" in shown
        assert "being run by another process" in shown
        assert "done by another run" in shown


@pytest.mark.parametrize(
    "message", ["expected [b, h, w, c]", "/data/[/x]", "[bold]:smile:", "\x1b[31m"]
)
@pytest.mark.parametrize("mode", ["plain", "auto"])
def test_messages_are_text(stored, tmp_path, message, mode, capsys):
    console = screen(force_terminal=mode == "auto")
    failed = make_record(make_case("knn"), status="failed")
    run = failed.run.model_copy(update={"error": message})
    failed = failed.model_copy(update={"run": run})
    with progress.reporter(mode, console) as observer:
        observer.begin([failed.case])
        task = new_task(failed.case, make_host(), (0,))
        observer.started(task)
        observer.progress(task, Progress("", message=message))
        run = run.model_copy(update={"id": task.run_id})
        observer.finished(failed.model_copy(update={"run": run}), False)
    print_report(console, [store.Stored(tmp_path / "x.json", failed)], 1.0)
    console.print(banner(message))
    shown = console.export_text() + capsys.readouterr().err
    expected = message.replace("\x1b", r"\x1b")
    assert shown.count(expected) >= 4
