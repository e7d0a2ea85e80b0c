"""Place the training checkpoints of a case inside the results folder, next to its record."""

import shutil
from contextlib import suppress
from pathlib import Path

from bench.records import identity
from bench.records.provenance import Provenance
from bench.records.schema import Case
from fmnist_jax.history import Checkpoints

FOLDER = ".checkpoints"  # git-ignored, like the next
TEACHERS = ".teachers"


def of_case(results: Path, host: Provenance, case: Case, every: int) -> Checkpoints | None:
    """Return the checkpoints of `case` on `host`; None for what does not go on from one.

    Args:
        results: the results folder.
        host: other hardware or software gives other bits, so it has its own checkpoints.
        case: what is trained.
        every: epochs between two checkpoints; 0 switches them off.
    """
    if case.kind != "flax" or not every:
        return None
    folder = _folder(results, host, case)
    teachers = folder.parents[2] / TEACHERS / identity.digest_software(host.software)
    return Checkpoints(folder, every, teachers)


def discard(results: Path, host: Provenance, case: Case) -> None:
    """Remove the checkpoints of `case`, if there are any."""
    folder = _folder(results, host, case)
    shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):  # other cases have theirs here
        folder.parent.rmdir()


def _folder(results: Path, host: Provenance, case: Case) -> Path:
    parent = results.resolve() / host.machine.id / case.dataset / case.model / FOLDER
    return parent / identity.digest_run(case, host)
