"""Examine the cache folder and the results folder: may they be written, and is there space?"""

import shutil
import tempfile
from pathlib import Path

from bench.diagnosis.finding import Finding, Situation
from bench.reporting.format import size
from fmnist_jax.data.acquire.download import SPACE
from fmnist_jax.errors import UserError
from fmnist_jax.system.paths import CACHE_VARIABLE, default_cache_dir


def examine(situation: Situation) -> list[Finding]:
    """Examine both folders, without making either."""
    return [_cache(), _results(situation.results)]


def _cache() -> Finding:
    remedy = f"export {CACHE_VARIABLE}=FOLDER, with a folder that can be written"
    try:
        folder = default_cache_dir()
    except UserError as error:
        return Finding("cache", "problem", str(error), remedy)
    if reason := write_problem(folder):
        text = f"{folder} {reason}: every run fetches the data again, every start compiles anew"
        return Finding("cache", "warning", text, remedy, {"folder": str(folder), "free_bytes": 0})
    return _space("cache", folder, remedy)


def _results(folder: Path) -> Finding:
    remedy = "python -m bench run --all --results FOLDER, with a folder that can be written"
    if reason := write_problem(folder):
        facts = {"folder": str(folder), "free_bytes": 0}
        return Finding("results", "problem", f"{folder} {reason}", remedy, facts)
    return _space("results", folder, remedy)


def _space(topic: str, folder: Path, remedy: str) -> Finding:
    free = shutil.disk_usage(_existing(folder)).free
    facts = {"folder": str(folder), "free_bytes": free}
    if free < SPACE:
        return Finding(topic, "warning", f"{folder}, only {size(free)} free", remedy, facts)
    return Finding(topic, "ok", f"{folder}, {size(free)} free", facts=facts)


def write_problem(folder: Path) -> str:
    """Say why `folder` cannot be written or made; empty where it can. Nothing is left behind."""
    try:
        with tempfile.TemporaryFile(dir=_existing(folder)):
            return ""
    except OSError as error:
        return f"cannot be written ({error.strerror or error})"


def _existing(folder: Path) -> Path:
    """Return `folder`, or of those above it the nearest that is there."""
    for path in (folder, *folder.parents):
        try:
            path.lstat()
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError:
            return path
        return path
    return folder
