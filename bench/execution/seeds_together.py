"""Which waiting cases, of one model but different seeds, one worker trains together."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from bench.records import identity
from bench.records.schema import Case


@dataclass(eq=False)
class QueuedCase:
    """A case and its attempts so far.

    Attributes:
        case: what to run.
        failures: attempts that failed.
        relocations: attempts that lost their machine.
        address: where it is at work.
        beside: further seeds that its worker trains in the same program.
        is_alone: an attempt together with other seeds failed, so that the next has none.
        is_locked_elsewhere: another run has it.
    """

    case: Case
    failures: int = 0
    relocations: int = 0
    address: str = ""
    beside: list["QueuedCase"] = field(default_factory=list)
    is_alone: bool = False
    is_locked_elsewhere: bool = False

    @property
    def key(self) -> str:
        """What tells it from the other cases of the run."""
        return identity.digest_case(self.case)


def other_seeds(leader: QueuedCase, queue: Iterable[QueuedCase]) -> list[QueuedCase]:
    """Return the cases that differ from `leader` in the seed alone and may train beside it.

    As many as `seeds_together` in the model's settings wants, less one.
    """
    if leader.is_alone:
        return []
    most = leader.case.config["model"].get("seeds_together", 1) - 1
    return [each for each in queue if not each.is_alone and _differ_in_seed(each, leader)][:most]


def _differ_in_seed(one: QueuedCase, other: QueuedCase) -> bool:
    same = {"seed": other.case.seed}
    return one.case != other.case and one.case.model_copy(update=same) == other.case
