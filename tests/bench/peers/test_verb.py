"""`python -m bench peers` as a user meets it."""

import json
import os
import signal
import subprocess
import sys
from functools import partial

import psutil
import pytest

from bench.commands import peers as run
from bench.measure.host import probe
from bench.peers import entries
from tests.bench.reporting.sections.test_peers import HOST
from tests.support.processes import find_worker

COMMAND = [sys.executable, "-m", "bench", "peers", "--progress=plain"]
SHORT = {"train": 0.05, "predict": 0.01}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["resnt"], "unknown model 'resnt' for peers: did you mean 'resnet'?"),
        (["--framework", "tourch"], "unknown framework 'tourch': did you mean 'torch'?"),
        (["--results", "/dev/null/x"], "cannot write to the results folder"),
    ],
)
def test_bad_usage_is_one_line_and_exit_2(arguments, message):
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_the_real_thing_in_small(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")  # which compiles sooner
    monkeypatch.setattr(run, "IMAGES", 64)
    monkeypatch.setattr(run, "PREDICT_BATCHES", (1,))
    chosen, _ = entries.entrants(["flax"])
    two = tuple(entrant for entrant in chosen if entrant.variant in ("scan", "jit"))
    monkeypatch.setattr(entries, "entrants", lambda _: (two, ("torch", "keras")))
    monkeypatch.setattr(probe, "inspect", lambda command: HOST)
    monkeypatch.setattr(run, "compare", partial(run.compare, block_s=SHORT))
    code = run.peers(["cnn"], (), [16], 2, tmp_path, command="python -m bench", progress="plain")
    out, err = capsys.readouterr()
    assert code == 0, err
    assert "torch is not installed, so it is left out: pip install -e '.[peers]'" in err
    assert "fmnist-jax" in out
    (path,) = tmp_path.glob("*/peers/*.json")
    made = json.loads(path.read_text())
    assert [e["variant"] for e in made["entries"]] == ["scan", "jit"]
    assert {e["status"] for e in made["entries"]} == {"ok"}
    assert made["missing"] == ["torch", "keras"]
    assert made["contended"] is False


def test_ctrl_c_ends_in_130_with_nothing_and_nobody_left(tmp_path):
    running = subprocess.Popen(
        [*COMMAND, "cnn", "--framework=flax", "--results", tmp_path],
        stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    with running:
        try:
            worker = find_worker(running.pid)
            os.killpg(running.pid, signal.SIGINT)
            _, err = running.communicate(timeout=60)
        finally:
            running.kill()  # does nothing to a process that has ended
    assert running.returncode == 130, err
    assert err.splitlines()[-1] == "interrupted; a comparison is stored only when it is complete"
    assert "Traceback" not in err
    assert not list(tmp_path.glob("*/peers/*.json"))
    assert not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE
