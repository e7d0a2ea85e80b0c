"""The variants are found in the frameworks' files."""

from importlib.util import find_spec

import pytest

from bench.peers import entries
from bench.peers.protocol import VARIANTS
from fmnist_jax.errors import UserError


def only(*gone):
    return lambda name: None if name in gone else find_spec(name)


def test_what_is_not_installed_is_left_out(monkeypatch):
    monkeypatch.setattr(entries, "find_spec", only("torch", "keras"))
    chosen, missing = entries.entrants([])
    assert missing == ("keras", "torch")
    assert [entrant.name for entrant in chosen] == [
        "fmnist-jax",
        "fmnist-jax, a call per step",
        "Flax",
    ]
    chosen, missing = entries.entrants(["torch"])
    assert missing == ("torch",)
    assert {entrant.framework for entrant in chosen} == {"ours"}


def test_all_variants_are_there_and_ours_comes_first(monkeypatch):
    monkeypatch.setattr(entries, "find_spec", lambda name: find_spec(name) or "installed")
    chosen, missing = entries.entrants([])
    assert missing == ()
    assert [entrant.framework for entrant in chosen[:2]] == ["ours", "ours"]
    assert {entrant.key for entrant in chosen} == set(VARIANTS.catalogue)
    assert {entrant.framework for entrant in chosen} == {"ours", "flax", "torch", "keras"}


def test_an_unknown_framework_is_named():
    with pytest.raises(UserError, match=r"unknown framework 'tourch': did you mean 'torch'\?"):
        entries.entrants(["tourch"])
