"""Two processes train one network together, for real; one is killed on the way."""

import os
import socket
import subprocess
import sys

import numpy as np
from flax.traverse_util import flatten_dict

from fmnist_jax.data.load import load
from fmnist_jax.data.splits import make_splits
from fmnist_jax.learner import resolve
from fmnist_jax.system.cpu import available_cores
from tests.support.cutting_off import ending
from tests.support.processes import PATIENCE_S, find_worker

IMAGES = {"train_images": 600, "validation_images": 100, "test_images": 50}
# SGD, since the gradient of a bias before BatchNorm is pure rounding, which Adam blows up;
# and at a rate so low that rounding does not grow from step to step.
HYPER = {"epochs": 12, "batch_size": 60, "optimizer": "sgd", "learning_rate": 0.004}
SETS = [f"--set=data.{name}={value}" for name, value in IMAGES.items()]
SETS += [f"--set=cnn.{name}={value}" for name, value in HYPER.items()]

# The command on one core. Not by preexec_fn, which would fork a process in which jax has threads.
CONFINED = """
import os, sys
os.sched_setaffinity(0, {int(sys.argv[1])})
os.execv(sys.executable, [sys.executable, "-m", "bench", *sys.argv[2:]])
"""


def start(number, coordinator, results, cache):
    """The command as process `number` of two, with a core of its own where there are two."""
    cores = available_cores()
    core = str(cores[number % len(cores)])
    process = subprocess.Popen(
        [sys.executable, "-c", CONFINED, core, "run", "cnn", "--dataset=synthetic", *SETS,
         "--set=checkpoint_every=1", "--set=supplements=false",
         "--progress=plain", f"--results={results}",
         f"--coordinator={coordinator}", "--processes=2", f"--process-id={number}"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        env=os.environ | {"FMNIST_CACHE_DIR": str(cache)},
    )  # fmt: skip
    return process


def trained_here():
    """Weights and history of the same training by one process with two devices."""
    dataset = load("synthetic", None)
    splits = make_splits(dataset, 0, **IMAGES)
    learner = resolve("cnn", HYPER).build(0)
    learner.prepare(splits.train, splits.validation)
    history = learner.fit(lambda epoch: None)
    return flatten_dict(learner.variables, sep="/"), history


def together(folder, cache):
    """Start both processes; process 0 writes into the folder 0."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        coordinator = f"127.0.0.1:{server.getsockname()[1]}"
    return [start(number, coordinator, folder / str(number), cache) for number in (0, 1)]


def end(processes):
    """Exit codes and what was said on stderr."""
    said = [process.communicate(timeout=PATIENCE_S)[1] for process in processes]
    return [process.returncode for process in processes], said


def test_two_processes_give_what_two_devices_give_though_one_is_killed(
    tmp_path, cache, monkeypatch
):
    first, second = processes = together(tmp_path, cache)
    try:
        for line in first.stderr:
            if "epoch 2/" in line:
                break
        find_worker(second.pid).kill()
        codes, said = end(processes)
        assert codes == [1, 1], said
        assert "error: process 1 was lost; run again to go on" in said[0].splitlines()[-1]
        assert "killed by SIGKILL" in said[1].splitlines()[-1]
        processes = together(tmp_path, cache)
        codes, said = end(processes)
        assert codes == [0, 0], said
    finally:
        for process in (first, second, *processes):
            process.kill()  # does nothing to a process that has ended

    assert not (tmp_path / "1").exists()  # process 0 alone writes
    folder = tmp_path / "0"
    assert len(list(folder.glob("*/*/*/*.json"))) == 2  # the run that failed, and the other
    record, history, weights = ending(folder)
    assert record["machine"]["id"].endswith("-x2hosts")
    assert record["machine"]["cores"] == 2
    assert record["run"]["resumed_from_epoch"] >= 1

    monkeypatch.setenv("FMNIST_CACHE_DIR", str(cache))
    expected, epochs = trained_here()
    assert len(history) == len(epochs)
    # Rounding adds up over the epochs, and may turn the odd image over.
    for got, epoch in zip(history, epochs, strict=True):
        for name, value in got.items():
            tolerance = {"atol": 0.011} if "accuracy" in name else {"rtol": 2e-3}
            np.testing.assert_allclose(value, getattr(epoch, name), **tolerance)
    assert weights.keys() == expected.keys()
    for name, value in expected.items():
        got = np.frombuffer(weights[name], np.float32).reshape(value.shape)
        assert np.linalg.norm(got - value) < 2e-3 * np.linalg.norm(value) + 1e-6, name
