"""Who is there on a Dask cluster: workers join, tell their machine, and are lost again."""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.execution.cluster import remote as node
from bench.execution.executor import Slot
from fmnist_jax.errors import UserError

if TYPE_CHECKING:
    from distributed import Client, Future

POLL_S = 0.1
LOOK_S = 1.0  # between two looks at who has joined and who has left
log = logging.getLogger("fmnist_jax")


@dataclass(frozen=True)
class Seat:
    """A Dask worker that takes part.

    Attributes:
        place: where its cases run.
        address: of the machine that it is on, perhaps with others.
        shares_results: it sees the results folder.
    """

    place: Slot
    address: str
    shares_results: bool


class Crew:
    """The workers of a cluster, by their names."""

    def __init__(
        self, client: "Client", command: str, folder: str, marker: Path, inspect: node.Inspect
    ) -> None:
        """Ask nobody yet.

        Args:
            client: of the cluster.
            command: for the records.
            folder: the identity of the results folder, for the records.
            marker: a file in the results folder.
            inspect: makes the fingerprint of a machine, there.
        """
        self._client = client
        self._question = inspect, command, folder, marker
        self._joining: dict[str, tuple[str, Future[tuple[Slot, bool]]]] = {}
        self._refused: dict[str, str] = {}
        self._strangers = False
        self._looked = 0.0
        self.seats: dict[str, Seat] = {}

    def look(self) -> None:
        """See, once a second, who has joined and who has left.

        Raises:
            UserError: the cluster's scheduler is gone.
        """
        if time.monotonic() < self._looked + LOOK_S:
            return
        self._looked = time.monotonic()
        present: Mapping[str, Any] = self._client.scheduler_info().get("workers", {})
        if self._client.status != "running":
            raise UserError(
                "the connection to the cluster's scheduler is lost; what was finished is kept, "
                "run again for the rest"
            )
        for known in (self.seats, self._joining, self._refused):
            for name in known.keys() - present.keys():
                del known[name]
        for name in tuple(self._joining):
            self._welcome(name)
        asked = self.seats.keys() | self._joining.keys() | self._refused.keys()
        for name in sorted(present.keys() - asked):
            address = present[name]["host"]
            # One after the other on a machine: they share its cores, and measure its speed.
            if all(address != other for other, _ in self._joining.values()):
                self._joining[name] = address, self._ask(name, present[name])
        known_now = self.seats.keys() | self._refused.keys()
        self._strangers = not present.keys() <= known_now

    def wait(self, patience: float | None) -> None:
        """Return when there is a worker, and all that are connected have told their machines.

        Args:
            patience: seconds to wait for a worker to connect; None: without end.

        Raises:
            UserError: none came, or none that came can run the suite.
        """
        began = time.monotonic()
        while True:
            self.look()
            if not self._strangers:
                if self.seats:
                    return
                if self._refused:
                    raise UserError(f"no worker can be used: {min(self._refused.values())}")
                if patience is not None and time.monotonic() > began + patience:
                    raise UserError(
                        "the cluster has no workers: start one on each machine, in the suite's "
                        f"environment, with dask worker {self._client.scheduler_info()['address']}"
                    )
            time.sleep(POLL_S)

    def _ask(self, name: str, about: Mapping[str, Any]) -> "Future[tuple[Slot, bool]]":
        taken = frozenset(
            core
            for seat in self.seats.values()
            if seat.address == about["host"]
            for core in seat.place.cores
        )
        return self._client.submit(
            node.introduce, name, *self._question, about["nthreads"], taken,
            workers=[name], pure=False,
        )  # fmt: skip

    def _welcome(self, name: str) -> None:
        address, future = self._joining[name]
        if not future.done():
            return
        del self._joining[name]
        if error := future.exception():
            cause = error.__cause__ or error
            self._refused[name] = f"{type(cause).__name__}: {cause}"
            log.warning("a worker of the cluster is left out: %s", self._refused[name])
            return
        place, shares_results = future.result()
        self.seats[name] = Seat(place, address, shares_results)
        log.info("%s takes part with %d core(s)", place.host.machine.id, len(place.cores))
