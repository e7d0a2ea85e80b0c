"""A real run of a small network that stops early, killed from outside and run again.

`python -m tests.support.cutting_off [KILLS]` kills it at as many random moments and
compares its end with that of a run left alone.
"""

import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from tests.support.processes import workers

CASE = [
    "cnn",
    "--dataset=synthetic",
    "--set=data.train_images=300",
    "--set=data.validation_images=100",
    "--set=data.test_images=100",
    "--set=cnn.epochs=30",
    "--set=cnn.patience=5",
    "--set=cnn.optimizer=adamw",  # at such a rate, and not normalised, it soon gets worse
    "--set=cnn.learning_rate=0.02",
    "--set=cnn.schedule=constant",
    "--set=cnn.label_smoothing=0",
    "--set=cnn.batch_norm=false",
    "--set=checkpoint_every=1",
    "--set=supplements=false",
    "--progress=plain",
]


class Run:
    """The command at work, in a process group of its own."""

    def __init__(self, results, cache, *options):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bench", "run", *CASE, "--results", str(results), *options],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True,
            env=os.environ | {"FMNIST_CACHE_DIR": str(cache)},
        )  # fmt: skip
        self.said = ""

    def wait_for(self, sign):
        """Read what it says up to the line with `sign`."""
        for line in self.process.stderr:
            self.said += line
            if sign in line:
                return
        raise EOFError(f"{sign!r} was never said: {self.said}")

    def end(self):
        """Its exit code, when it is over."""
        self.said += self.process.communicate(timeout=200)[1]
        return self.process.returncode

    def kill_all(self):
        """As when the machine fails: nobody is told."""
        os.killpg(self.process.pid, signal.SIGKILL)

    def kill_worker(self):
        """As when memory runs out."""
        (worker,) = workers(self.process.pid)
        worker.kill()


def ending(results):
    """The finished record, its history without times, and its weights."""
    found = {path: json.loads(path.read_text()) for path in results.glob("*/*/*/*.json")}
    ((path, record),) = [one for one in found.items() if one[1]["run"]["status"] == "ok"]
    history = [
        {name: value for name, value in epoch.items() if name != "elapsed_s"}
        for epoch in record["quality"]["history"]
    ]
    with np.load(path.with_suffix("") / "weights.npz", allow_pickle=False) as weights:
        return record, history, {name: weights[name].tobytes() for name in weights.files}


def kill_at_random(results, cache, kills, seed=0):
    """Kill the run `kills` times while it trains, the whole group and the worker by turns.

    Fewer, but three at least, where it comes to its end before.
    """
    chance = random.Random(seed)
    for number in range(kills):
        run = Run(results, cache)
        try:
            run.wait_for("img/s" if number else "epoch 2/")  # there must be a first checkpoint
        except EOFError:
            if number < 3:
                raise
            break
        time.sleep(chance.uniform(0, 0.2))
        (run.kill_worker, run.kill_all)[number % 2]()
        code = run.end()
        epochs = re.findall(r" epoch (\d+)/", run.said)
        print(
            f"kill {number + 1}: exit code {code}, epochs {epochs[0]} to {epochs[-1]}", flush=True
        )
        assert "checkpoint" not in run.said, run.said
    run = Run(results, cache)
    assert run.end() == 0, run.said


def ends_the_same(folder, kills):
    """Compare a run that is killed so often with one left alone."""
    cache, alone, cut = (folder / name for name in ("cache", "alone", "cut"))
    assert Run(alone, cache).end() == 0
    kill_at_random(cut, cache, kills, seed=time.time_ns())
    _, *expected = ending(alone)
    record, *got = ending(cut)
    since = record["run"]["resumed_from_epoch"]
    assert since, "nothing was gone on from"
    print(f"resumed from epoch {since} of {len(expected[0])}")
    return got == expected


def main(kills=10):
    with tempfile.TemporaryDirectory() as folder:
        same = ends_the_same(Path(folder), kills)
    print("the same" if same else "DIFFERENT")
    return int(not same)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
