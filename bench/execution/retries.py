"""When a case is attempted again."""

from enum import Enum

from bench.execution.executor import TaskResult
from bench.execution.seeds_together import QueuedCase

# Attempts elsewhere at a case whose machine was lost; it may be what brings them down.
MAX_RELOCATIONS = 3


class Again(Enum):
    """Why a case has another attempt."""

    ELSEWHERE = "its machine was lost"
    ALONE = "it, or another seed in the same program, went wrong"
    RETRY = "the fault may pass"


def another_attempt(result: TaskResult, queued: QueuedCase, retries: int) -> Again | None:
    """Decide whether a case has another attempt, and why.

    Args:
        result: of the last one.
        queued: the case, as it was queued for that one.
        retries: how often a fault that may pass is tried again.
    """
    if result.worker_lost and queued.relocations < MAX_RELOCATIONS:
        return Again.ELSEWHERE
    # What went wrong may lie with one of several seeds: each has an attempt of its own.
    if queued.beside and result.outcome.record.run.status != "ok":
        return Again.ALONE
    if result.retryable and queued.failures < retries:
        return Again.RETRY
    return None
