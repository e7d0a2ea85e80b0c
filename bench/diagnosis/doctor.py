"""Examine every topic in turn; what one of them lacks leaves the others their findings."""

import importlib
from dataclasses import replace
from pathlib import Path

from bench.diagnosis.finding import Finding, Situation
from fmnist_jax.errors import UserError, in_one_line

# Modules of this package, each with a function `examine`, in the order of the report.
TOPICS = ("packages", "hardware", "data", "folders", "forecast", "contribution")
JAX_SECONDS = 120.0  # after which JAX counts as hanging


def diagnose(results: Path, data_dir: Path | None = None) -> list[Finding]:
    """Examine this machine and a results folder; every problem is a finding, none an error.

    Args:
        results: the results folder, which may not be there.
        data_dir: folder with the official files; None: as for a run.
    """
    situation = Situation(results, data_dir)
    for complete in (_with_host, _with_records):
        try:
            situation = complete(situation)
        except ImportError:
            continue  # `packages` names what is missing
    return [finding for topic in TOPICS for finding in _examine(topic, situation)]


def _with_host(situation: Situation) -> Situation:
    from bench.measure.host import probe

    try:
        host = probe.inspect("python -m bench doctor", timeout=JAX_SECONDS)
        return replace(situation, host=host)
    except UserError as error:
        return replace(situation, problem=str(error))


def _with_records(situation: Situation) -> Situation:
    from bench.measure.host.software import ROOT
    from bench.records import store

    own, published = (
        tuple(stored.record for stored in store.read(folder))
        for folder in (situation.results, ROOT / "results")
    )
    is_other = situation.results.resolve() != (ROOT / "results").resolve()
    return replace(situation, records=own, published=published if is_other else ())


def _examine(topic: str, situation: Situation) -> list[Finding]:
    try:
        module = importlib.import_module(f"bench.diagnosis.{topic}")
        found: list[Finding] = module.examine(situation)
        return found
    except ImportError as error:
        return [Finding(topic, "problem", f"not examined: {in_one_line(error)}", "make setup")]
