"""Two CPU devices in every test, so that the parallel path is always the one tested."""

import jax
import pytest

jax.config.update("jax_num_cpu_devices", 2)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """No test reads or writes the user's cache."""
    monkeypatch.setenv("FMNIST_CACHE_DIR", str(tmp_path / "cache"))
