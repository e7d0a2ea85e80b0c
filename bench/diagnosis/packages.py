"""Examine Python, the packages that the suite requires, its extras, and JAX."""

import platform
from collections.abc import Iterator, Sequence
from contextlib import suppress
from importlib import metadata

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from bench.diagnosis.finding import Finding, Situation
from bench.measure.host.machine import ask_nvidia

SUITE = "fmnist-jax"
INSTALL = "python -m pip install -c .ci/constraints.txt -e '.[{}]'"


def examine(situation: Situation) -> list[Finding]:
    """Examine what is installed, and whether JAX starts."""
    return [_python(), *_requirements(), _jax(situation)]


def _python() -> Finding:
    version, needed = platform.python_version(), ""
    with suppress(metadata.PackageNotFoundError):  # `_requirements` says so
        needed = metadata.metadata(SUITE)["Requires-Python"]
    facts = {"version": version, "needed": needed}
    if not SpecifierSet(needed).contains(version, prereleases=True):
        text = f"{version}, where {needed} is needed"
        return Finding("python", "problem", text, "make setup PYTHON=python3.12", facts)
    return Finding("python", "ok", version, facts=facts)


def _requirements() -> list[Finding]:
    try:
        requirements = [Requirement(text) for text in metadata.requires(SUITE) or ()]
        extras = metadata.metadata(SUITE).get_all("Provides-Extra") or []
    except metadata.PackageNotFoundError:
        text = "the suite is not installed here, so nobody knows what it lacks"
        return [Finding("packages", "problem", text, "make setup")]
    return [_required(requirements), _extras(requirements, extras)]


def _required(requirements: Sequence[Requirement]) -> Finding:
    needed = [r for r in requirements if r.marker is None or r.marker.evaluate({"extra": ""})]
    lacking = sorted({text for requirement in needed for text in missing(requirement)})
    facts = {"required": len(needed), "missing": lacking}
    if lacking:
        return Finding("packages", "problem", f"missing: {', '.join(lacking)}", "make setup", facts)
    return Finding("packages", "ok", f"all {len(needed)} that are required", facts=facts)


def _extras(requirements: Sequence[Requirement], extras: Sequence[str]) -> Finding:
    lacking: dict[str, list[str]] = {}
    for extra in extras:
        own = [r for r in requirements if r.marker and _is_of(r, extra)]
        lacking[extra] = sorted({text for requirement in own for text in missing(requirement)})
    installed = [extra for extra, texts in lacking.items() if not texts]
    absent = [extra for extra, texts in lacking.items() if texts]
    parts = [f"{', '.join(installed) or 'none'} installed"]
    if absent:
        parts.append(f"{', '.join(absent)} not (add with {INSTALL.format('NAME')})")
    facts = {"installed": installed, "missing": {extra: lacking[extra] for extra in absent}}
    return Finding("extras", "ok", "; ".join(parts), facts=facts)


def _is_of(requirement: Requirement, extra: str) -> bool:
    marker = requirement.marker
    return bool(marker and marker.evaluate({"extra": extra}) and not marker.evaluate({"extra": ""}))


def missing(requirement: Requirement) -> Iterator[str]:
    """Yield what of a requirement is not installed, its own extras included: "jax>=0.10"."""
    try:
        version = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        yield f"{requirement.name}{requirement.specifier}"
        return
    if not requirement.specifier.contains(version, prereleases=True):
        yield f"{requirement.name}{requirement.specifier} ({version} is installed)"
    for extra in sorted(requirement.extras):
        for text in metadata.requires(requirement.name) or ():
            nested = Requirement(text)
            if _is_of(nested, extra):
                yield from missing(nested)


def _jax(situation: Situation) -> Finding:
    if situation.host is None:
        remedy = "" if "unset " in situation.problem else "make setup"
        return Finding("jax", "problem", situation.problem, remedy)
    machine, version = situation.host.machine, situation.host.software.jax
    count = machine.accelerator_count or machine.cores
    devices = (
        f"{count} × {machine.accelerator}" if machine.accelerator else f"{count} CPU device(s)"
    )
    facts = {
        "version": version,
        "device": machine.accelerator or "cpu",
        "devices": count,
        "driver": machine.driver,
    }
    driver = None if machine.accelerator else ask_nvidia()[0]
    if driver:
        text = f"{version} does not use this machine's NVIDIA GPU (driver {driver})"
        return Finding("jax", "warning", text, INSTALL.format("cuda"), facts | {"driver": driver})
    return Finding("jax", "ok", f"{version} on {devices}", facts=facts)
