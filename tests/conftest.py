"""Two CPU devices in every test, so that the parallel path is always the one tested.

All processes of a session, those that tests start included, share what JAX has compiled, and
the compiler does less than for a user, for it would take most of the session's time. As for a
user it works in the smoke run and in `python -m tests.faults`.
"""

import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

with suppress(ImportError):  # of PyTorch for CUDA; loaded after TensorFlow it crashes (triton 3.8)
    import triton as _  # noqa: F401

if "PYTEST_XDIST_WORKER" not in os.environ:
    os.environ["JAX_COMPILATION_CACHE_DIR"] = tempfile.mkdtemp(prefix="fmnist-jax-compiled-")
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
    os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"
    quick = "--xla_cpu_use_fusion_emitters=false --xla_backend_optimization_level=1"
    hurried = os.environ | {"XLA_FLAGS": f"{os.environ.get('XLA_FLAGS', '')} {quick}"}
    # XLA dies of a flag that it does not know, and not every version knows these.
    if not subprocess.call(
        [sys.executable, "-c", "import jax; jax.devices('cpu')"],
        env=hurried, stderr=subprocess.DEVNULL,
    ):  # fmt: skip
        os.environ.update(hurried)

import jax
import psutil
import pytest
from filelock import FileLock

from fmnist_jax.data.datasets.synthetic import Synthetic

jax.config.update("jax_num_cpu_devices", 2)
# Drawing a random array alone compiles in a tenth of the time. Not in processes that tests
# start, which train for longer than they compile.
jax.config.update("jax_disable_most_optimizations", True)
# A shell has jobs in the background ignore Ctrl-C, and so would every command under test.
signal.signal(signal.SIGINT, signal.default_int_handler)

_FASHION_DIR = os.environ.get("FMNIST_DATA_DIR")


def pytest_unconfigure():
    """Remove the compiled programs at the end of the session."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        shutil.rmtree(os.environ["JAX_COMPILATION_CACHE_DIR"], ignore_errors=True)


@pytest.fixture(scope="session")
def fashion_dir() -> Path:
    """The folder with the official Fashion-MNIST files."""
    if not _FASHION_DIR:
        pytest.skip("needs the official Fashion-MNIST files: name their folder by FMNIST_DATA_DIR")
    return Path(_FASHION_DIR).resolve()


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    """A cache that all workers of the session share, with the synthetic dataset in it.

    It is drawn once, which takes seconds, and verified by every worker.
    """
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "cache"
    folder.mkdir(exist_ok=True)
    with FileLock(folder / "session.lock"):
        Synthetic().load(None, folder)
    return folder


@pytest.fixture(autouse=True, scope="module")
def bounded_memory():
    """Compiled programs are let go after a module that leaves a gigabyte in the process."""
    yield
    if psutil.Process().memory_info().rss > 2**30:
        jax.clear_caches()


@pytest.fixture(autouse=True)
def own_surroundings(tmp_path, monkeypatch):
    """No test sees real data that it does not ask for, nor the user's cache."""
    for name in ("FMNIST_DATA_DIR", "MNIST_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FMNIST_CACHE_DIR", str(tmp_path / "default-cache"))
    # A verb that is called in this process sends the log to its own console.
    log = logging.getLogger("fmnist_jax")
    monkeypatch.setattr(log, "handlers", [])
    monkeypatch.setattr(log, "level", log.level)
    monkeypatch.setattr(log, "propagate", True)
