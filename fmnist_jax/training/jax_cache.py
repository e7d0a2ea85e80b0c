"""Compiled programs kept between runs: JAX's persistent cache, in the user's cache folder.

JAX itself reads and writes it (https://docs.jax.dev/en/latest/persistent_compilation_cache.html).
What is added here: a folder per kind of processor, since code compiled for one may
not run on another; a damaged entry that is removed, where JAX would meet it at every
start; and the answer to whether a program was compiled or read.
"""

import hashlib
import logging
import platform
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import jax

from fmnist_jax.system.cpu import processor
from fmnist_jax.system.files import check_writable

log = logging.getLogger("fmnist_jax")

_EVENTS = "/jax/compilation_cache/"
_DAMAGED = re.compile(r"Error reading persistent compilation cache entry for '([^']+)'")


@dataclass
class Use:
    """How many programs came from the cache, and how many did not."""

    hits: int = 0
    misses: int = 0

    @property
    def cached(self) -> bool | None:
        """Whether all came from the cache; None where there is none."""
        return self.misses == 0 if self.hits or self.misses else None


def keep(folder: Path) -> None:
    """From now on, keep compiled programs below `folder`, unless JAX is configured to use another.

    A folder that cannot be written to costs a warning, and every start its compiling.
    """
    if jax.config.values["jax_compilation_cache_dir"] is not None:
        return
    folder = folder / _processor()
    try:
        check_writable(folder)
    except OSError as error:
        log.warning(
            "compiled programs cannot be kept in %s (%s): every start compiles anew",
            folder,
            error.strerror,
        )
        return
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


@contextmanager
def watched() -> Iterator[Use]:
    """Count what the cache serves inside, and mend it where it is damaged."""
    use = Use()

    def listen(event: str, **_: str | int) -> None:
        use.hits += event == f"{_EVENTS}cache_hits"
        use.misses += event == f"{_EVENTS}cache_misses"

    jax.monitoring.register_event_listener(listen)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield use
    finally:
        jax.monitoring.unregister_event_listener(listen)
    for warning in caught:
        if damaged := _DAMAGED.match(str(warning.message)):
            _remove(damaged[1])
        else:
            warnings.warn_explicit(
                warning.message, warning.category, warning.filename, warning.lineno
            )


def _remove(program: str) -> None:
    folder = Path(jax.config.values["jax_compilation_cache_dir"])
    log.warning("a compiled program kept in %s is damaged: it is removed", folder)
    for path in folder.glob(f"{program}-*"):
        path.unlink(missing_ok=True)


def _processor() -> str:
    """Twelve hex digits for what the processor can do."""
    features = processor("flags", "Features") or f"{platform.machine()} {platform.processor()}"
    return hashlib.sha256(features.encode()).hexdigest()[:12]
