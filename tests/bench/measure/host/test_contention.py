import os
import subprocess
import sys
import time

import psutil
import pytest

from bench.measure.host import contention
from bench.measure.host.contention import ContentionMonitor
from tests.support.processes import wait_for

BUSY = "while True: pass"


@pytest.fixture
def core():
    """A core that this process is confined to for the time of the test."""
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("processes cannot be confined to cores here")
    before = os.sched_getaffinity(0)
    chosen = min(before)
    os.sched_setaffinity(0, {chosen})
    yield chosen
    os.sched_setaffinity(0, before)


def test_another_program_on_the_core_is_noticed(core):
    pinned = f"import os; os.sched_setaffinity(0, {{{core}}})\n{BUSY}"
    # Not a child of this process: one that a shell has left behind.
    shell = [sys.executable, "-c", pinned]
    left = subprocess.run(
        ["sh", "-c", '"$@" >/dev/null & echo $!', "sh", *shell],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    stranger = psutil.Process(int(left.stdout))
    try:
        watched = ContentionMonitor([core])
        wait_for(lambda: watched.detected, "the work of the other program")
        time.sleep(1)  # the clock of the cores ticks every 10 ms
        assert watched.external_share <= 1.1
    finally:
        stranger.kill()


def test_own_work_and_that_of_children_is_not_strange(core, monkeypatch):
    """On a machine where nothing else happens."""
    own_s = [0.0]
    monkeypatch.setattr(
        "bench.measure.host.contention.psutil.cpu_times",
        lambda percpu: [type("Times", (), {"user": own_s[0], "system": 0.0})] * (core + 1),
    )
    watched = ContentionMonitor([core])
    began = time.process_time()
    child = subprocess.Popen([sys.executable, "-c", BUSY])
    try:
        while time.process_time() - began < 0.3:
            pass
        used = psutil.Process(child.pid).cpu_times()
        own_s[0] = time.process_time() - began + used.user + used.system
        assert not watched.detected
    finally:
        child.kill()
        child.wait()


def test_cores_are_told_by_their_numbers_and_not_by_their_place(tmp_path, monkeypatch):
    """Of four cores the second is offline; a container may know other numbers altogether."""
    stat = tmp_path / "stat"
    stat.write_text("cpu  1 2 3\ncpu0 1 2\ncpu2 1 2\ncpu3 1 2\nintr 5\n")
    monkeypatch.setattr(contention, "STAT", stat)
    seconds = [1.0, 2.0, 3.0]
    monkeypatch.setattr(
        "bench.measure.host.contention.psutil.cpu_times",
        lambda percpu: [type("Times", (), {"user": s, "system": 0.0}) for s in seconds],
    )
    assert contention._busy_by_core() == {0: 1.0, 2: 2.0, 3: 3.0}
    assert not ContentionMonitor([4711]).detected
    monkeypatch.setattr(contention, "STAT", tmp_path / "no such file")
    assert contention._busy_by_core() == {0: 1.0, 1: 2.0, 2: 3.0}
