"""The whole comparison: every model through its rounds, then the file."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime

from rich.console import Console

from bench.peers.entries import INSTALL, MODELS
from bench.peers.progress import Mode, progress
from bench.peers.protocol import BETAS, Entrant, Measure, Setup
from bench.peers.rounds import BLOCK_S, compare
from bench.peers.schema import Comparison, Config, Entry, Optimizer, comparison
from bench.records.provenance import Provenance

IMAGES = 5120  # at least; an epoch of this suite's takes a second or two on two cores
PREDICT_BATCHES = (1000, 1)


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
    """Compare, telling stderr how far it is."""
    started = datetime.now(UTC)
    errors = Console(stderr=True)
    for name in missing:
        errors.print(f"{name} is not installed, so it is left out: {INSTALL}", markup=False)
    measures = [
        *(Measure("train", batch) for batch in train_batches),
        *(Measure("predict", batch) for batch in PREDICT_BATCHES),
    ]
    images = max(IMAGES, *train_batches)
    entries: list[Entry] = []
    with progress(mode, errors, len(models) * (len(entrants) + rounds)) as say:
        for model in models:
            setup = Setup(
                model,
                MODELS[model],
                images,
                host.machine.cores,
                flip,
                accelerated=host.accelerated,
            )
            entries += compare(setup, entrants, measures, rounds, say, debug=debug)
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
    return comparison(host, os.urandom(4).hex(), started, config, tuple(missing), tuple(entries))
