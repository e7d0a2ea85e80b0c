"""`python -m bench peers`: compare frameworks in rounds, then store and show the comparison."""

import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench.measure.host import probe
from bench.peers import entries, schema
from bench.peers.entries import MODELS
from bench.peers.frame import to_frame
from bench.peers.progress import Mode, progress
from bench.peers.protocol import BETAS, Entrant, Measure, Setup
from bench.peers.rounds import BLOCK_S, compare
from bench.peers.schema import Comparison, Config, Entry, Optimizer, comparison
from bench.processes.signals import EXIT_CODE
from bench.records import store
from bench.records.provenance import Provenance
from bench.reporting.rendering.console import stderr_console, stdout_console
from bench.reporting.rendering.formats import render
from bench.reporting.section import get_sections
from fmnist_jax.baselines.reference.base import INSTALL

IMAGES = 5120  # at least; an epoch of this suite's takes a second or two on two cores
PREDICT_BATCHES = (1000, 1)


def peers(
    models: Sequence[str],
    frameworks: Sequence[str],
    batches: Sequence[int],
    rounds: int,
    results: Path,
    *,
    command: str,
    flip: bool = False,
    progress: Mode = "auto",
    debug: bool = False,
) -> int:
    """Compare, store the comparison and show it; return the exit code.

    Args:
        models: resnet, cnn; both where none is named.
        frameworks: flax, torch, keras; all where none is named.
        batches: sizes of a training batch.
        rounds: blocks of each measure.
        results: the results folder.
        command: for the record.
        flip: mirror training images at random.
        progress: how to show what happens.
        debug: workers print tracebacks.

    Raises:
        UserError: an unknown name, or a results folder that cannot be written.
    """
    names = entries.models(models)
    entrants, missing = entries.entrants(frameworks)
    store.check_writable(results)
    host = probe.inspect(command)
    train_batches = tuple(dict.fromkeys(batches))
    try:
        result = run(host, names, entrants, missing, train_batches, rounds, flip, progress, debug)
    except KeyboardInterrupt:
        print("interrupted; a comparison is stored only when it is complete", file=sys.stderr)
        return EXIT_CODE
    path = schema.write(results, result)
    out = stdout_console()
    (section,) = get_sections(["peers"])
    out.print(render(section, to_frame([result]), "rich", out.width), end="")
    print(path, file=sys.stderr)
    return int(any(entry.status == "failed" for entry in result.entries))


def run(
    host: Provenance,
    models: Sequence[str],
    entrants: Sequence[Entrant],
    missing: Sequence[str],
    train_batches: Sequence[int],
    rounds: int,
    flip: bool,
    mode: Mode,
    debug: bool,
) -> Comparison:
    """Run the comparison, with its progress on stderr."""
    started = datetime.now(UTC)
    errors = stderr_console()
    for name in missing:
        errors.print(f"{name} is not installed, so it is left out: {INSTALL}", markup=False)
    measures = [
        *(Measure("train", batch) for batch in train_batches),
        *(Measure("predict", batch) for batch in PREDICT_BATCHES),
    ]
    images = max(IMAGES, *train_batches)
    measured: list[Entry] = []
    with progress(mode, errors, len(models) * (len(entrants) + rounds)) as report_progress:
        for model in models:
            setup = Setup(
                model,
                MODELS[model],
                images,
                host.machine.cores,
                flip,
                accelerated=host.accelerated,
            )
            measured += compare(setup, entrants, measures, rounds, report_progress, debug=debug)
    config = Config(
        models=tuple(models),
        train_batches=tuple(train_batches),
        predict_batches=PREDICT_BATCHES,
        rounds=rounds,
        images=images,
        flip=flip,
        optimizer=Optimizer(learning_rate=setup.learning_rate, betas=BETAS, epsilon=setup.epsilon),
        threads=setup.cores,
        block_s=dict(BLOCK_S),
    )
    return comparison(host, os.urandom(4).hex(), started, config, tuple(missing), tuple(measured))
