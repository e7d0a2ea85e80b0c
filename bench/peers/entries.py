"""Choose who takes part: the models that have peers, the frameworks and their variants."""

import ast
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from bench.peers.protocol import VARIANTS, Entrant
from fmnist_jax.errors import UserError, nearest

MODELS = {"resnet": 38_154, "cnn": 241_546}  # weights and running statistics
OURS = "ours"


def models(names: Sequence[str]) -> tuple[str, ...]:
    """Return the models asked for, all where none is named.

    Raises:
        UserError: one of them has no peers.
    """
    for name in names:
        if name not in MODELS:
            raise UserError(f"unknown model {name!r} for peers: {nearest(name, MODELS)}")
    return tuple(dict.fromkeys(names)) or tuple(MODELS)


def entrants(frameworks: Sequence[str]) -> tuple[tuple[Entrant, ...], tuple[str, ...]]:
    """Return the variants of the frameworks asked for (all where none is named), and ours always.

    Returns:
        The entrants that can start here, ours first, and the frameworks that are not installed.

    Raises:
        UserError: there is no such framework.
    """
    every = []
    for listing in VARIANTS.catalogue.values():
        framework, _, variant = listing.name.partition("/")
        every.append(Entrant(listing.summary.rstrip("."), framework, variant, listing.module))
    others = {entrant.framework: entrant.module for entrant in every if entrant.framework != OURS}
    for name in frameworks:
        if name not in others:
            raise UserError(f"unknown framework {name!r}: {nearest(name, others)}")
    wanted = [name for name in others if name in frameworks or not frameworks]
    missing = [name for name in wanted if not _is_installed(others[name])]
    present = {OURS, *wanted} - set(missing)
    chosen = [entrant for entrant in every if entrant.framework in present]
    return tuple(sorted(chosen, key=lambda entrant: entrant.framework != OURS)), tuple(missing)


def _is_installed(module: str) -> bool:
    """Whether all that the file of a framework imports is there, without importing it."""
    spec = find_spec(module)
    assert spec
    assert spec.origin
    packages = set()
    for node in ast.parse(Path(spec.origin).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            packages |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            packages.add(node.module.partition(".")[0])
    return all(map(find_spec, packages))
