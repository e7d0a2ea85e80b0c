"""Prepare and time what the parent asks for, in a process for each entrant, idle in between."""

import importlib
import math
import os
import sys
import time
import traceback
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from bench.peers.protocol import (
    VARIANTS,
    Block,
    Entrant,
    Failure,
    Measure,
    Predict,
    Prepare,
    Prepared,
    Ready,
    Setup,
    Train,
    Unavailable,
)

if TYPE_CHECKING:
    from bench.peers.protocol import Peer

Work = Callable[[int], Block]  # repetitions -> what they did, all of it on return


def serve(setup: Setup, entrant: Entrant, debug: bool, connection: Connection) -> None:
    """Answer until the parent kills this process, in which it runs alone."""
    os.environ.update(environment(entrant.framework, setup.cores))
    _quiet(debug)
    try:
        _serve(setup, entrant, connection)
    except Exception as error:
        if debug:
            traceback.print_exc(file=sys.stderr)
        skipped = isinstance(error, Unavailable)
        text = str(error) if skipped else f"{type(error).__name__}: {error}"
        connection.send(Failure(" ".join(text.strip().partition("\n")[0].split()), skipped))


def environment(framework: str, cores: int) -> dict[str, str]:
    """Return the variables that the libraries read when they are loaded."""
    threads = (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "TF_NUM_INTRAOP_THREADS",
    )
    return {
        **dict.fromkeys(threads, str(cores)),
        # A thread that waits must not take a core from the worker whose turn it is.
        "OMP_WAIT_POLICY": "PASSIVE",
        "KMP_BLOCKTIME": "0",
        # A device per core is how the suite runs on a CPU; plain Flax has one.
        "JAX_NUM_CPU_DEVICES": str(cores if framework == "ours" else 1),
        # Nobody takes the whole memory of an accelerator.
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "KERAS_BACKEND": "tensorflow",
        # No pool of compiler processes that could outlive this one.
        "TORCHINDUCTOR_COMPILE_THREADS": "1",
    }


def _quiet(debug: bool) -> None:
    """Keep the parent's stdout clean of what libraries print, and its stderr but for --debug."""
    sink = 2 if debug else os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, 1)
    os.dup2(sink, 2)


def _serve(setup: Setup, entrant: Entrant, connection: Connection) -> None:
    importlib.import_module(entrant.module)
    peer = VARIANTS[entrant.key](setup)
    if peer.parameters != setup.parameters:
        raise ValueError(
            f"{peer.parameters:,} parameters where {setup.model} has {setup.parameters:,}"
        )
    connection.send(Ready(peer.parameters, peer.versions, peer.predicts))
    prepared: dict[Measure, tuple[Work, int]] = {}
    while True:
        request = connection.recv()
        if isinstance(request, Prepare):
            began = time.perf_counter()
            work = work_of(peer, request.measure)
            work(1)
            prepare_s = time.perf_counter() - began
            repeats = calibrate(work, request.block_s)
            prepared[request.measure] = work, repeats
            connection.send(Prepared(prepare_s, repeats))
        else:
            work, repeats = prepared[request.measure]
            work(1)  # not timed: others have had the caches since
            connection.send(work(repeats))


def work_of(peer: "Peer", measure: Measure) -> Work:
    """Return what a measure times: training steps, or calls from images to probabilities."""
    if measure.kind == "train":
        return partial(_train, peer.train(measure.batch))
    predict = peer.predict(measure.batch)
    shape = predict().shape
    if shape != (measure.batch, 10):
        raise ValueError(f"predictions of shape {shape} for {measure.batch} images")
    return partial(_predict, predict, measure.batch)


def _train(train: Train, steps: int) -> Block:
    began = time.perf_counter()
    done = train(steps)
    seconds = time.perf_counter() - began - done.once_s
    if not math.isfinite(done.loss):
        raise ArithmeticError(f"the loss became {done.loss}")
    return Block(done.images, seconds)


def _predict(predict: Predict, batch: int, calls: int) -> Block:
    began = time.perf_counter()
    for _ in range(calls):
        predict()
    return Block(calls * batch, time.perf_counter() - began)


def calibrate(work: Work, block_s: float) -> int:
    """Find how many repetitions last about `block_s` seconds, by runs of growing length."""
    repeats = 1
    while True:
        spent = work(repeats).seconds
        if spent >= block_s / 4:
            return max(1, round(repeats * block_s / spent))
        repeats *= 4
