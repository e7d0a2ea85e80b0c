"""A claim excludes others, ends with its holder, and leaves nothing behind."""

import subprocess
import sys

from bench.records import locks as claims
from bench.records.locks import Claims

HOLD = (
    "import sys; from pathlib import Path; from bench.records.locks import Claims;"
    "held = Claims(Path(sys.argv[1]), 'm'); print(held.take(('a', 1)), flush=True);"
    "sys.stdin.read()"
)


def test_a_case_belongs_to_one_run_until_that_run_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr(claims, "LOOK_S", 0.0)
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with Claims(tmp_path, "m") as mine:
        assert other.stdout.readline() == "True\n"
        assert not mine.take(("a", 1))
        assert mine.others()
        assert mine.take(("b", 1))
        other.kill()
        other.communicate()
        assert not mine.others()
        assert mine.take(("a", 1))
        assert mine.take(("a", 1))  # it is ours already
        mine.release(("a", 1))
    assert list((tmp_path / ".locks").iterdir()) == []


def test_runs_on_other_machines_are_no_company(tmp_path, monkeypatch):
    monkeypatch.setattr(claims, "LOOK_S", 0.0)
    with Claims(tmp_path, "one") as one, Claims(tmp_path, "other") as other:
        assert one.take(("a",))
        assert not other.others()
        assert other.take(("a",))


def test_what_is_taken_is_looked_at_once_in_a_while(tmp_path):
    with Claims(tmp_path, "m") as mine, Claims(tmp_path, "m") as theirs:
        assert theirs.take(("a",))
        assert not mine.take(("a",))
        theirs.release(("a",))
        assert not mine.take(("a",))  # so soon it is not asked for again
