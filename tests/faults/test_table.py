"""The table tells a fault that was contained from one that was not."""

import pytest

from tests.faults import __main__ as table
from tests.faults.registry import FAULTS, Seen, Skipped


def lost(folder):
    return Seen("gone", 2)


def broken(folder):
    raise AssertionError("nobody noticed")


def impossible(folder):
    raise Skipped("no disk here")


@pytest.mark.parametrize(
    ("cause", "code", "shown"),
    [
        (lambda folder: Seen("fine", 0), 0, "fine"),
        (lost, 1, "gone"),
        (broken, 1, "NOT CONTAINED: AssertionError"),
        (impossible, 0, "skipped: no disk here"),
    ],
)
def test_what_a_fault_did_decides_the_exit_code(monkeypatch, capsys, cause, code, shown):
    monkeypatch.setitem(FAULTS, "a test's own fault", cause)
    assert table.main(["own fault"]) == code
    assert shown in capsys.readouterr().out


def test_what_takes_minutes_can_be_left_out(monkeypatch, capsys):
    monkeypatch.setitem(FAULTS, "a test's own fault", lost)
    monkeypatch.setattr(table, "SLOW", {"a test's own fault"})
    assert table.main(["own fault", "--quick"]) == 1
    assert "gone" not in capsys.readouterr().out


def test_no_such_fault_is_no_success(capsys):
    assert table.main(["nothing of that name"]) == 1
