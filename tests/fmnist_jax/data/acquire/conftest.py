"""A dataset of a few images that can be had, in a cache of its own."""

from pathlib import Path

import pytest

from fmnist_jax.data.acquire import acquire, download
from tests.fmnist_jax.data.acquire.test_acquire import fake_run


@pytest.fixture
def cache_dir(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def reachable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acquire, "_problem", lambda url: "")


@pytest.fixture
def _toy_network(reachable: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "_run", fake_run)
