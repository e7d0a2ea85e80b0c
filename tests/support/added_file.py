"""A file in a registry's package for the time of a test."""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fmnist_jax.registry import Registry


@contextmanager
def added_file(registry: Registry[Any], folder: Path, source: str) -> Iterator[None]:
    """Let the first package of `registry` have one more module, which lies in `folder`."""
    package = importlib.import_module(registry._packages[0])
    (folder / "added.py").write_text(source)
    entries = dict(registry._entries)
    assert package.__spec__
    locations = package.__spec__.submodule_search_locations
    assert locations is package.__path__ or list(locations or ()) == list(package.__path__)
    vars(registry).pop("catalogue", None)
    package.__path__.append(str(folder))
    if locations is not package.__path__:
        locations.append(str(folder))  # type: ignore[union-attr]
    try:
        yield
    finally:
        package.__path__.remove(str(folder))
        if locations is not package.__path__:
            locations.remove(str(folder))  # type: ignore[union-attr]
        vars(registry).pop("catalogue", None)
        registry._entries = entries
        sys.modules.pop(f"{package.__name__}.added", None)
