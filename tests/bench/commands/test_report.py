"""`report` writes one file, whole or not at all, and answers mistakes in one line."""

import webbrowser
from pathlib import Path

import pytest

from bench.commands.report import report
from fmnist_jax.errors import UserError
from tests.support.factory import make_record
from tests.support.results_folder import add


@pytest.fixture
def results(tmp_path):
    folder = tmp_path / "results"
    folder.mkdir()
    add(folder, make_record())
    return folder


def test_stdout_carries_the_path_of_the_file(results, tmp_path, capsys):
    out = tmp_path / "new folder" / "page.html"
    report(results, out, open_=False)
    captured = capsys.readouterr()
    assert captured.out == f"{out}\n"
    assert "MiB" in captured.err
    assert out.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_it_is_written_to_report_html_unless_told_otherwise(results, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    report(results, None, open_=False)
    assert (tmp_path / "report.html").is_file()


def test_a_folder_that_is_not_there_is_an_error_of_one_line(tmp_path):
    with pytest.raises(UserError, match="does not exist: python -m bench run --all makes one"):
        report(tmp_path / "nowhere", tmp_path / "page.html", open_=False)
    assert not (tmp_path / "page.html").exists()


def test_a_file_that_cannot_be_written_is_an_error_of_one_line(results, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot write"):
        report(results, tmp_path / "file" / "page.html", open_=False)
    (tmp_path / "folder").mkdir()
    with pytest.raises(UserError, match="cannot write"):
        report(results, tmp_path / "folder", open_=False)
    assert list((tmp_path / "folder").iterdir()) == []


@pytest.mark.parametrize("works", [True, False])
def test_it_is_opened_where_a_browser_starts(results, tmp_path, monkeypatch, caplog, works):
    opened = []
    monkeypatch.setattr(webbrowser, "open", lambda address: opened.append(address) or works)
    out = tmp_path / "page.html"
    report(results, out, open_=True)
    assert opened == [Path(out).as_uri()]
