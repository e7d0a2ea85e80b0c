"""Describe the software: versions, JAX's settings, and the suite's own code."""

import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from bench.records.schema import Code, Software

ROOT = Path(__file__).resolve().parents[3]
# JAX settings that change neither numbers nor how fast they come.
NEUTRAL = re.compile(
    "cache|cross_host|dump|frames|guard|include_|log|metadata|num_cpu_devices|platform|pprint|"
    "preemption|rank_promotion|source|timeout|traceback|visible_devices|warn"
)
# Variables that change what a GPU or TPU computes, and are no settings of JAX.
ACCELERATOR_VARIABLES = ("LIBTPU_INIT_ARGS", "NVIDIA_TF32_OVERRIDE")


def describe_software(jax_config: dict[str, Any] | None = None) -> Software:
    """Return the versions of what decides speed and accuracy, without importing any of it."""
    names = ("jax", "jaxlib", "flax", "optax", "numpy", "lightgbm")
    return Software(
        python=platform.python_version(),
        **{name: _version(name) for name in names},
        sklearn=_version("scikit-learn"),
        sklearnex=_version("scikit-learn-intelex"),
        jax_config=jax_config or {},
        xla_flags=os.environ.get("XLA_FLAGS"),
        compute_dtype=None,
    )


def changed_jax_settings() -> dict[str, Any]:
    """Return the settings that change results and differ from JAX's defaults.

    A run takes them from its environment alone, so a process without these variables
    has the defaults, whatever they are in this version of JAX.
    """
    import jax

    values = _plain(jax.config.values)
    changed = {name for name in values if name.upper() in os.environ and not NEUTRAL.search(name)}
    settings = {name: os.environ[name] for name in ACCELERATOR_VARIABLES if name in os.environ}
    if changed:
        code = "import jax, json; print(json.dumps(dict(jax.config.values), default=str))"
        environment = {
            name: value for name, value in os.environ.items() if name.lower() not in changed
        }
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        defaults = json.loads(done.stdout)
        settings |= {name: values[name] for name in changed if values[name] != defaults.get(name)}
    return dict(sorted(settings.items()))


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return json.loads(json.dumps(dict(values), default=str))


def describe_code() -> Code:
    """Return the suite's version, and its commit where it runs from its own checkout."""
    own = _git("rev-parse", "--show-toplevel") == str(ROOT)
    # Records pile up in results/ while a run goes on; they are not the code.
    changes = _git("status", "--porcelain", "--", ".", ":!results") if own else None
    return Code(
        version=_version("fmnist-jax") or "unknown",
        commit=_git("rev-parse", "HEAD") if own else None,
        dirty=None if changes is None else bool(changes),
    )


def _git(*arguments: str) -> str | None:
    # A hook's GIT_DIR and its like name another repository.
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") or name.startswith("GIT_CONFIG")
    }
    return ask_command("git", "-C", str(ROOT), *arguments, env=environment)


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def ask_command(*command: str, env: Mapping[str, str] | None = None) -> str | None:
    """Return what a command prints; None where it is missing, slow or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, env=env)
    except (OSError, UnicodeDecodeError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
