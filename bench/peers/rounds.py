"""One model through all entrants: everybody prepares, then rounds go from one to the next.

Only one worker is at work at any time, and a round visits all of them within
seconds, so that what else the machine does meets all alike.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from bench.peers.process import Worker, WorkerLost
from bench.peers.protocol import (
    Block,
    Entrant,
    Kind,
    Measure,
    Prepare,
    Prepared,
    Ready,
    RunBlock,
    Setup,
)
from bench.peers.schema import Entry, Samples

BLOCK_S: Mapping[Kind, float] = {"train": 1.2, "predict": 0.3}  # aimed at, not exact
START_TIMEOUT_S = 120.0
PREPARE_TIMEOUT_S = 180.0  # of one measure: compilers may think for long
BLOCK_TIMEOUT_S = 120.0

Say = Callable[[str], None]


@dataclass
class _Seat:
    """A entrant and what it has done so far; `worker` is None before and after."""

    entrant: Entrant
    worker: Worker | None = None
    error: str | None = None
    ready: Ready | None = None
    start_s: float | None = None
    prepared: dict[Measure, Prepared] = field(default_factory=dict)
    blocks: dict[Measure, dict[int, Block]] = field(default_factory=dict)


def compare(
    setup: Setup,
    entrants: Sequence[Entrant],
    measures: Sequence[Measure],
    rounds: int,
    say: Say,
    *,
    block_s: Mapping[Kind, float] = BLOCK_S,
    prepare_timeout_s: float = PREPARE_TIMEOUT_S,
    debug: bool = False,
) -> list[Entry]:
    """Measure all entrants side by side; one that is lost costs nobody else's samples.

    Args:
        setup: the model, and what all have in common.
        entrants: in the order of their turns.
        measures: in the order within a round.
        rounds: blocks of each measure.
        say: told after every step taken.
        block_s: about how long a block lasts.
        prepare_timeout_s: seconds for one measure to compile and warm up.
        debug: let workers write to stderr.

    Returns:
        An entry per entrant, in their order.
    """
    seats = [_Seat(entrant) for entrant in entrants]
    with ExitStack() as stack:
        for seat in seats:
            with _losing(seat, say):
                _prepare(seat, stack, setup, measures, block_s, prepare_timeout_s, debug)
                say(f"{setup.model}: {seat.entrant.name} is ready")
        for turn in range(rounds):
            for measure in measures:
                for seat in seats:
                    if seat.worker and measure in seat.prepared:
                        with _losing(seat, say):
                            asked = RunBlock(measure)
                            block = seat.worker.ask(asked, Block, BLOCK_TIMEOUT_S)
                            seat.blocks.setdefault(measure, {})[turn] = block
            say(f"{setup.model}: round {turn + 1} of {rounds} is done")
    return [_entry(setup.model, seat, rounds) for seat in seats]


def _prepare(
    seat: _Seat,
    stack: ExitStack,
    setup: Setup,
    measures: Sequence[Measure],
    block_s: Mapping[Kind, float],
    timeout_s: float,
    debug: bool,
) -> None:
    began = time.perf_counter()
    seat.worker = stack.enter_context(Worker(setup, seat.entrant, debug))
    seat.ready = seat.worker.ready(START_TIMEOUT_S)
    seat.start_s = time.perf_counter() - began
    for measure in measures:
        if measure.kind == "train" or seat.entrant.predicts:
            asked = Prepare(measure, block_s[measure.kind])
            seat.prepared[measure] = seat.worker.ask(asked, Prepared, timeout_s)


@contextmanager
def _losing(seat: _Seat, say: Say) -> Iterator[None]:
    """Let a worker that is lost leave, and the others go on."""
    try:
        yield
    except WorkerLost as lost:
        seat.error = str(lost)
        if seat.worker:
            seat.worker.kill()
            seat.worker = None
        say(f"{seat.entrant.name} failed: {lost}")


def _entry(model: str, seat: _Seat, rounds: int) -> Entry:
    who, ready = seat.entrant, seat.ready
    return Entry(
        model=model,
        name=who.name,
        framework=who.framework,
        variant=who.variant,
        status="ok" if seat.error is None else "skipped" if who.optional else "failed",
        error=seat.error,
        parameters=ready.parameters if ready else None,
        versions=ready.versions if ready else {},
        start_s=seat.start_s,
        samples=[
            _samples(measure, prepared, seat.blocks.get(measure, {}), rounds)
            for measure, prepared in seat.prepared.items()
        ],
    )


def _samples(
    measure: Measure, prepared: Prepared, blocks: Mapping[int, Block], rounds: int
) -> Samples:
    found = [blocks.get(turn) for turn in range(rounds)]
    return Samples(
        kind=measure.kind,
        batch=measure.batch,
        prepare_s=prepared.prepare_s,
        images=[block.images if block else None for block in found],
        seconds=[block.seconds if block else None for block in found],
    )
