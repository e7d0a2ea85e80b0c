"""Write the records of a run, whatever becomes of the results folder meanwhile."""

import logging
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from bench.measure.messages import Outcome
from bench.records import identity, store
from bench.records.store import Stored
from fmnist_jax.errors import UserError

log = logging.getLogger("fmnist_jax")


@dataclass
class RecordWriter:
    """The records of this run; one that cannot be written is kept to be tried again."""

    results: Path
    stored: dict[str, Stored] = field(default_factory=dict)
    backlog: list[Outcome] = field(default_factory=list)

    def put(self, outcome: Outcome) -> None:
        """Store a record, and those that have been waiting."""
        self.backlog.append(outcome)
        try:
            self._write_backlog()
        except UserError as error:
            if len(self.backlog) == 1:
                log.warning("%s; no further case is begun until that is mended", error)

    def rescue(self) -> Path | None:
        """Write what is still waiting to a folder for temporary files, and return the folder."""
        with suppress(UserError, OSError):
            if self.backlog:
                self.results = Path(tempfile.mkdtemp(prefix="fmnist-jax-results-"))
                self._write_backlog()
                return self.results
        return None

    def _write_backlog(self) -> None:
        while self.backlog:
            record = self.backlog[0].record
            stored = store.write(self.results, record, self.backlog[0].artifacts)
            key = identity.digest_case(record.case)
            self.stored.pop(key, None)  # an attempt before
            self.stored[key] = stored
            self.backlog.pop(0)
