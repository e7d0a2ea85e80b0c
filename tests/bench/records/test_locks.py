"""A lock excludes others, ends with its holder, and leaves nothing behind."""

import subprocess
import sys

from bench.records import locks
from bench.records.locks import CaseLocks

HOLD = (
    "import sys; from pathlib import Path; from bench.records.locks import CaseLocks;"
    "held = CaseLocks(Path(sys.argv[1]), 'm'); print(held.acquire('a'), flush=True);"
    "sys.stdin.read()"
)


def test_a_case_belongs_to_one_run_until_that_run_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr(locks, "POLL_S", 0.0)
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with CaseLocks(tmp_path, "m") as mine:
        assert other.stdout.readline() == "True\n"
        assert not mine.acquire("a")
        assert mine.held_elsewhere()
        assert mine.acquire("b")
        other.kill()
        other.communicate()
        assert not mine.held_elsewhere()
        assert mine.acquire("a")
        assert mine.acquire("a")  # it is ours already
        mine.release("a")
    assert list((tmp_path / ".locks").iterdir()) == []


def test_runs_on_other_machines_are_no_company(tmp_path, monkeypatch):
    monkeypatch.setattr(locks, "POLL_S", 0.0)
    with CaseLocks(tmp_path, "one") as one, CaseLocks(tmp_path, "other") as other:
        assert one.acquire("a")
        assert not other.held_elsewhere()
        assert other.acquire("a")


def test_what_is_taken_is_looked_at_once_in_a_while(tmp_path):
    with CaseLocks(tmp_path, "m") as mine, CaseLocks(tmp_path, "m") as theirs:
        assert theirs.acquire("a")
        assert not mine.acquire("a")
        theirs.release("a")
        assert not mine.acquire("a")  # so soon it is not asked for again
