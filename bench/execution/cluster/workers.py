"""The workers of a Dask cluster: they join, introduce themselves, and are lost again."""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.execution.cluster.remote import Inspect, introduce
from bench.execution.executor import Slot
from fmnist_jax.errors import UserError

if TYPE_CHECKING:
    from distributed import Client, Future

POLL_S = 0.1
REFRESH_S = 1.0  # between two looks at who has joined and who has left
log = logging.getLogger("fmnist_jax")


@dataclass
class ClusterWorker:
    """A Dask worker.

    Attributes:
        address: of its machine, which may have others.
        introduction: what it says of itself.
        slot: where its cases run, once it has said that.
        problem: why it cannot be used.
    """

    address: str
    introduction: "Future[Slot]"
    slot: Slot | None = None
    problem: str = ""

    @property
    def is_joining(self) -> bool:
        """Whether it has not introduced itself yet."""
        return not (self.slot or self.problem)

    def settle(self) -> None:
        """Take in its introduction, if that is there."""
        if not self.is_joining or not self.introduction.done():
            return
        if error := self.introduction.exception():
            cause = error.__cause__ or error
            self.problem = f"{type(cause).__name__}: {cause}"
            log.warning("a worker of the cluster is left out: %s", self.problem)
        else:
            self.slot = replace(self.introduction.result(), address=self.address)
            log.info(
                "%s takes part with %d core(s)", self.slot.host.machine.id, len(self.slot.cores)
            )


class WorkerPool:
    """The workers of a cluster, by their names.

    Attributes:
        results: the results folder, which may be on a disk that they share.
    """

    def __init__(
        self, client: "Client", command: str, results: Path, folder: str, inspect: Inspect
    ) -> None:
        """Ask no worker yet.

        Args:
            client: of the cluster.
            command: for the records.
            results: the results folder.
            folder: its identity, for the records.
            inspect: makes the fingerprint of a machine, there.
        """
        self._client = client
        self._question = inspect, command, folder
        self.results = results
        self._refreshed_at = 0.0
        self._present = 0
        self._workers: dict[str, ClusterWorker] = {}

    @property
    def usable(self) -> dict[str, Slot]:
        """Those that take part, by name."""
        return {name: worker.slot for name, worker in self._workers.items() if worker.slot}

    def refresh(self) -> None:
        """See, once a second, who has joined and who has left.

        Raises:
            UserError: the cluster's scheduler is gone.
        """
        if time.monotonic() < self._refreshed_at + REFRESH_S:
            return
        self._refreshed_at = time.monotonic()
        present: Mapping[str, Any] = self._client.scheduler_info().get("workers", {})
        if self._client.status != "running":
            raise UserError(
                "the connection to the cluster's scheduler is lost; what was finished is kept, "
                "run again for the rest"
            )
        for name in self._workers.keys() - present.keys():
            del self._workers[name]
        for worker in self._workers.values():
            worker.settle()
        joining = {worker.address for worker in self._workers.values() if worker.is_joining}
        for name in sorted(present.keys() - self._workers.keys()):
            # One after the other on a machine: they share its cores, and measure its speed.
            if (address := present[name]["host"]) not in joining:
                joining.add(address)
                introduction = self._introduce(name, address, present[name]["nthreads"])
                self._workers[name] = ClusterWorker(address, introduction)
        self._present = len(present)

    def wait(self, patience: float | None) -> None:
        """Return when there is a worker, and all that are connected have introduced themselves.

        Args:
            patience: seconds to wait for a worker to connect; None: without end.

        Raises:
            UserError: none came, or none that came can run the suite.
        """
        deadline = None if patience is None else time.monotonic() + patience
        while True:
            self.refresh()
            settled = [worker for worker in self._workers.values() if not worker.is_joining]
            if settled and len(settled) == self._present:
                if self.usable:
                    return
                problem = min(worker.problem for worker in settled)
                raise UserError(f"no worker can be used: {problem}")
            if not self._workers and deadline is not None and time.monotonic() > deadline:
                raise UserError(
                    "the cluster has no workers: start one on each machine, in the suite's "
                    f"environment, with dask worker {self._client.scheduler_info()['address']}"
                )
            time.sleep(POLL_S)

    def _introduce(self, name: str, address: str, threads: int) -> "Future[Slot]":
        neighbours = [slot for slot in self.usable.values() if slot.address == address]
        taken = frozenset(core for slot in neighbours for core in slot.cores)
        return self._client.submit(
            introduce, name, *self._question, threads, taken, workers=[name], pure=False
        )
