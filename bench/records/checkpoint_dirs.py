"""Where the training checkpoints of a case lie: inside the results folder, next to its record."""

import hashlib
import shutil
from contextlib import suppress
from pathlib import Path

from bench.records import store
from bench.records.provenance import Provenance
from bench.records.schema import Case
from fmnist_jax.training.checkpoint import Checkpoints

FOLDER = ".checkpoints"  # git-ignored


def of_case(results: Path, host: Provenance, case: Case, every: int) -> Checkpoints | None:
    """The checkpoints of `case` on `host`; None where it is to have none.

    Args:
        results: the results folder.
        host: since other hardware or software gives other bits.
        case: only a network trains by epochs.
        every: epochs between two; 0 switches them off.
    """
    if case.kind != "flax" or not every:
        return None
    return Checkpoints(_folder(results, host, case), every)


def discard(results: Path, host: Provenance, case: Case) -> None:
    """Remove the checkpoints of `case`, if there are any."""
    folder = _folder(results, host, case)
    shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):  # other cases have theirs here
        folder.parent.rmdir()


def _folder(results: Path, host: Provenance, case: Case) -> Path:
    identity = store.identity_of(case, host.machine, host.software)
    key = hashlib.sha256(repr(identity).encode()).hexdigest()[:16]
    return results.resolve() / host.machine.id / case.dataset / case.model / FOLDER / key
