"""Measure one model in all entrants: each prepares, then rounds go from one to the next.

Only one worker is at work at any time, and a round visits all of them within
seconds, in an order of its own, so that what else the machine does meets all alike.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from random import Random
from typing import TypeVar

from bench.peers.protocol import (
    Answer,
    Block,
    Entrant,
    Failure,
    Kind,
    Measure,
    Prepare,
    Prepared,
    Ready,
    Request,
    RunBlock,
    Setup,
)
from bench.peers.schema import Entry, Samples
from bench.peers.worker import serve
from fmnist_jax.system.child import Child, ChildError

BLOCK_S: Mapping[Kind, float] = {"train": 1.2, "predict": 0.3}  # aimed at, not exact
START_TIMEOUT_S = 120.0
PREPARE_TIMEOUT_S = 180.0  # of one measure: compilers may think for long
BLOCK_TIMEOUT_S = 120.0

Say = Callable[[str], None]
T = TypeVar("T", bound=Answer)


class WorkerLost(Exception):
    """A worker gave up, died or did not answer in time; the message says which."""

    def __init__(self, reason: str, skipped: bool = False) -> None:
        super().__init__(reason)
        self.skipped = skipped


@dataclass
class _Participant:
    """An entrant and what it has done so far.

    Attributes:
        entrant: who it is.
        worker: its process; None before it starts and after it is lost.
        error: why it was lost.
        skipped: it was lost for want of something on this machine.
        ready: what it said when its network was made.
        start_s: seconds until then.
        prepared: the measures that it can run.
        blocks: what it did, by measure and round.
    """

    entrant: Entrant
    worker: Child | None = None
    error: str | None = None
    skipped: bool = False
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
        entrants: their turns are in an order drawn anew for each measure of each round.
        measures: in the order within a round.
        rounds: blocks of each measure.
        say: called after each step.
        block_s: about how long a block lasts.
        prepare_timeout_s: seconds for one measure to compile and warm up.
        debug: let workers write to stderr.

    Returns:
        An entry per entrant, in their order.
    """
    participants = [_Participant(entrant) for entrant in entrants]
    with ExitStack() as stack:
        for participant in participants:
            say(f"{setup.model}: {participant.entrant.name} compiles and warms up")
            with _losing(participant, say):
                _prepare(participant, stack, setup, measures, block_s, prepare_timeout_s, debug)
        order = Random(setup.seed)
        for turn in range(rounds):
            turns = (
                (measure, participant)
                for measure in measures
                for participant in order.sample(participants, len(participants))
            )
            for measure, participant in turns:
                if participant.worker and measure in participant.prepared:
                    with _losing(participant, say):
                        block = _ask(participant, RunBlock(measure), Block, BLOCK_TIMEOUT_S)
                        participant.blocks.setdefault(measure, {})[turn] = block
            say(f"{setup.model}: round {turn + 1} of {rounds} is done")
    return [_entry(setup.model, participant, rounds) for participant in participants]


def _prepare(
    participant: _Participant,
    stack: ExitStack,
    setup: Setup,
    measures: Sequence[Measure],
    block_s: Mapping[Kind, float],
    timeout_s: float,
    debug: bool,
) -> None:
    began = time.perf_counter()
    participant.worker = stack.enter_context(Child(serve, setup, participant.entrant, debug))
    participant.ready = _receive(participant.worker, Ready, START_TIMEOUT_S)
    participant.start_s = time.perf_counter() - began
    for measure in measures:
        if measure.kind == "train" or participant.ready.predicts:
            request = Prepare(measure, block_s[measure.kind])
            participant.prepared[measure] = _ask(participant, request, Prepared, timeout_s)


def _ask(participant: _Participant, request: Request, answer: type[T], timeout_s: float) -> T:
    assert participant.worker
    with suppress(OSError):  # a dead worker is explained below
        participant.worker.connection.send(request)
    return _receive(participant.worker, answer, timeout_s)


def _receive(worker: Child, answer: type[T], timeout_s: float) -> T:
    """Wait for an answer.

    Raises:
        WorkerLost: there will be none.
    """
    try:
        message = worker.receive(timeout_s)
    except (TimeoutError, ChildError) as error:
        raise WorkerLost(str(error)) from None
    if isinstance(message, Failure):
        raise WorkerLost(message.reason, message.skipped)
    assert isinstance(message, answer)
    return message


@contextmanager
def _losing(participant: _Participant, say: Say) -> Iterator[None]:
    """Let a worker that is lost leave, and the others go on."""
    try:
        yield
    except WorkerLost as lost:
        participant.error, participant.skipped = str(lost), lost.skipped
        if participant.worker:
            participant.worker.kill()
            participant.worker = None
        say(f"{participant.entrant.name} failed: {lost}")


def _entry(model: str, participant: _Participant, rounds: int) -> Entry:
    entrant, ready = participant.entrant, participant.ready
    return Entry(
        model=model,
        name=entrant.name,
        framework=entrant.framework,
        variant=entrant.variant,
        status="skipped" if participant.skipped else "failed" if participant.error else "ok",
        error=participant.error,
        parameters=ready.parameters if ready else None,
        versions=ready.versions if ready else {},
        start_s=participant.start_s,
        samples=[
            _samples(measure, prepared, participant.blocks.get(measure, {}), rounds)
            for measure, prepared in participant.prepared.items()
        ],
    )


def _samples(
    measure: Measure, prepared: Prepared, blocks: Mapping[int, Block], rounds: int
) -> Samples:
    in_order = [blocks.get(turn) for turn in range(rounds)]
    return Samples(
        kind=measure.kind,
        batch=measure.batch,
        prepare_s=prepared.prepare_s,
        images=[block.images if block else None for block in in_order],
        seconds=[block.seconds if block else None for block in in_order],
    )
