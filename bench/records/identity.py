"""Digest what makes two runs repetitions of one another.

Every digest of the suite is made here: a case's config, the case itself, and the case
on its machine. The case's locks, checkpoints and record are all found by them.
"""

import hashlib
import json
from typing import Any

from bench.records.provenance import Provenance
from bench.records.schema import Case, Machine, Record, Software


def digest(content: Any) -> str:
    """Return twelve hex digits that are the same for equal JSON content on any machine.

    Args:
        content: what `json.dumps` takes; the order of an object's keys does not matter.
    """
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def digest_config(config: dict[str, Any], point: dict[str, Any] | None = None) -> str:
    """Return a case's `config_hash`: a grid point differs from the same config outside a grid."""
    return digest(config | {"grid": point} if point else config)


def digest_case(case: Case) -> str:
    """Tell a case from the others, wherever it runs."""
    return digest([case.model, case.dataset, case.dataset_sha256, case.seed, case.config_hash])


def digest_run(case: Case, host: Provenance) -> str:
    """Tell a case in one results folder, on one machine with one software, from all others."""
    return _digest_run(case, host.machine, host.software, host.folder)


def digest_record(record: Record) -> str:
    """Return the `digest_run` of the run that left this record."""
    return _digest_run(record.case, record.machine, record.software, record.run.folder)


def _digest_run(case: Case, machine: Machine, software: Software, folder: str | None) -> str:
    return digest([digest_case(case), machine.id, _versions(software), folder])


def digest_software(software: Software) -> str:
    """Tell one software of a host from others."""
    return digest(_versions(software))


def _versions(software: Software) -> dict[str, Any]:
    # The dtype of the arithmetic follows from the config and the machine. A model's own packages
    # are known to its worker alone.
    return software.model_dump(mode="json", exclude={"compute_dtype", "packages"})
