"""A command is killed in every way, and nothing that it started is left."""

import os
import signal
import subprocess
import sys

import pytest

from tests.support.processes import PATIENCE_S, gone

# A command with a child and a grandchild, whose numbers it prints.
COMMAND = """
import subprocess, sys
from bench.processes import reaper
child = "import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', 'import time; " \\
    "time.sleep(600)'], start_new_session=True); print(p.pid, flush=True); p.wait()"
with reaper.kill_descendants_on_exit():
    started = subprocess.Popen([sys.executable, "-c", child])
    print(started.pid, flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("end", [None, signal.SIGKILL, signal.SIGTERM])
def test_nothing_survives_the_command(end):
    with subprocess.Popen(
        [sys.executable, "-c", COMMAND],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as command:
        pids = [int(command.stdout.readline()) for _ in range(2)]
        if end:
            os.kill(command.pid, end)
        else:
            command.stdin.close()
        assert command.wait(PATIENCE_S) == (-end if end else 0)
    assert gone(pids)
