"""Give each case its cores, so that all are busy and none is given twice."""

from collections.abc import Iterable, Sequence
from typing import Literal

from bench.records.provenance import Provenance
from bench.records.schema import Case
from fmnist_jax.learner import LEARNERS


class Cores:
    """The CPUs to share out, and the accelerator, which takes one network at a time.

    Started the longest first, networks have the CPU to themselves one after the
    other, and the baselines then fill it side by side: one core for each whose
    result depends on their number, an equal share of the rest for the others.
    """

    def __init__(
        self,
        cores: Iterable[int],
        cases: Sequence[Case],
        host: Provenance,
        jobs: int | Literal["auto"] = "auto",
    ) -> None:
        """Divide the cores.

        Args:
            cores: the CPUs to share out.
            cases: all that are going to be run.
            host: says whether networks run on an accelerator.
            jobs: cases side by side at most; auto is as many as there are cores.
        """
        self._all = frozenset(cores)
        self._accelerated = host.accelerated
        self._taken: list[tuple[Case, tuple[int, ...]]] = []
        self._most = len(self._all) if jobs == "auto" else jobs
        if jobs == "auto" and self._accelerated:
            self._most += 1  # the accelerator's case hardly needs the CPU
        networks_aside = self._accelerated and any(map(is_network, cases))
        self._share = cores_per_baseline(cases, len(self._all) - networks_aside, self._most)

    def find_slot(self, case: Case) -> tuple[int, ...] | None:
        """Return the cores for `case`, or None where it has to wait."""
        free = self._all - {core for _, cores in self._taken for core in cores}
        network = is_network(case)
        if network and self._accelerated and any(is_network(taken) for taken, _ in self._taken):
            return None
        if network:  # on an accelerator the host only dispatches; on the CPU it takes it all
            wanted = 1 if self._accelerated else len(self._all)
        else:
            wanted = self._share if is_multicore(case) else 1
        if len(self._taken) >= self._most or (wanted > len(free) and self._taken):
            return None
        return tuple(sorted(free)[:wanted])

    def take(self, case: Case, cores: tuple[int, ...]) -> None:
        """Give the cores to the case."""
        self._taken.append((case, cores))

    def give_back(self, case: Case, cores: tuple[int, ...]) -> None:
        """Take the cores back from a case that has ended."""
        self._taken.remove((case, cores))


def cores_per_baseline(cases: Sequence[Case], cores: int, most: int) -> int:
    """Return an equal share for each baseline that uses several cores and can run at once."""
    baselines = [case for case in cases if not is_network(case)]
    several = sum(map(is_multicore, baselines))
    if len(baselines) > most:
        return max(1, cores // most)
    return max(1, (cores - len(baselines) + several) // max(1, several))


def cores_for(case: Case, cores: tuple[int, ...]) -> tuple[int, ...]:
    """Return the cores for `case`, of a machine that has nothing else to do."""
    return cores if is_multicore(case) else cores[:1]


def is_network(case: Case) -> bool:
    """Whether `case` is trained on the accelerator, if there is one, in whatever framework."""
    return case.kind != "sklearn"


def is_multicore(case: Case) -> bool:
    """Whether `case` is given more than one core where they are free."""
    return is_network(case) or LEARNERS[case.model].thread_invariant
