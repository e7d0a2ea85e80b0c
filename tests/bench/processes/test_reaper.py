"""A command is killed in every way, and nothing that it started is left."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

# A command with a child and a grandchild, whose numbers it prints.
COMMAND = """
import subprocess, sys, time
from bench import orphans
child = "import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', 'import time; " \\
    "time.sleep(600)'], start_new_session=True); print(p.pid, flush=True); p.wait()"
with orphans.kill_descendants_on_exit():
    started = subprocess.Popen([sys.executable, "-c", child])
    print(started.pid, flush=True)
    time.sleep(float(sys.argv[1]))
"""


def gone(pids, seconds=10.0):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        alive = [
            pid
            for pid in pids
            if psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
        ]
        if not alive:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("end", [None, signal.SIGKILL, signal.SIGTERM])
def test_nothing_survives_the_command(end):
    script = [sys.executable, "-c", COMMAND, "600" if end else "1"]
    with subprocess.Popen(script, stdout=subprocess.PIPE, text=True) as command:
        pids = [int(command.stdout.readline()) for _ in range(2)]
        if end:
            os.kill(command.pid, end)
        assert command.wait(20) == (-end if end else 0)
    assert gone(pids)


def test_a_child_ends_with_its_parent():
    child = (
        "import sys, time; from fmnist_jax.system.parent_death import exit_with_parent;"
        "exit_with_parent(int(sys.argv[1]));"
        "print('ready', flush=True); time.sleep(600)"
    )
    parent = (
        "import os, subprocess, sys, time;"
        f"p = subprocess.Popen([sys.executable, '-c', {child!r}, str(os.getpid())]);"
        "print(p.pid, flush=True); time.sleep(600)"
    )
    script = [sys.executable, "-c", parent]
    with subprocess.Popen(script, stdout=subprocess.PIPE, text=True) as process:
        pid = int(process.stdout.readline())
        assert process.stdout.readline() == "ready\n"
        process.kill()
    assert gone([pid])


def test_a_child_whose_parent_is_gone_already_ends_at_once():
    late = (
        "from fmnist_jax.system.parent_death import exit_with_parent;"
        "exit_with_parent(2**22 + 1); print('alive')"
    )
    done = subprocess.run([sys.executable, "-c", late], capture_output=True, text=True, timeout=20)
    assert (done.returncode, done.stdout) == (1, "")
