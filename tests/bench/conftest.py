"""The command, in a process of its own or in this one."""

import os
import signal
import subprocess
import sys

import pytest

from bench.__main__ import main


@pytest.fixture
def bench(cache):
    def call(*arguments, **environment):
        return subprocess.run(
            [sys.executable, "-m", "bench", *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=900,
            env=os.environ | {"FMNIST_CACHE_DIR": str(cache), "COLUMNS": "200"} | environment,
        )

    return call


@pytest.fixture
def bench_here(cache, monkeypatch, capsys):
    """The command in this process, where starting it costs nothing."""
    monkeypatch.setenv("FMNIST_CACHE_DIR", str(cache))
    monkeypatch.setenv("COLUMNS", "200")
    handler = signal.getsignal(signal.SIGTERM)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["bench/__main__.py", *map(str, arguments)])
        code = main()
        out, err = capsys.readouterr()
        return subprocess.CompletedProcess(arguments, code, out, err)

    yield call
    signal.signal(signal.SIGTERM, handler)
