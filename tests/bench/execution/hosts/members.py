"""Processes that work along on loopback, with workers that do as their case says for each.

`python -m tests.bench.execution.hosts.members COORDINATOR` is process 1 of two.
"""

import subprocess
import sys
import threading
from dataclasses import replace

from bench.execution.hosts import follower, team
from bench.execution.hosts.leader import Leader
from bench.execution.hosts.seat import free_port
from bench.execution.local import LocalExecutor
from bench.measure.messages import Seat
from tests.faults.behaviour import behave
from tests.support.factory import make_case, make_host

HOST = make_host()
PLAN = [make_case("cnn")]  # what all were told to do


def behave_here(task, events):
    """Behave as wished for this process: {"at": [by process id]}; see `behave`."""
    wish = task.case.config["model"]["at"][task.seat.process_id]
    config = task.case.config | {"model": wish}
    return behave(replace(task, case=task.case.model_copy(update={"config": config})), events)


def executor():
    return LocalExecutor(HOST, (0, 1), execute=behave_here)


class Together:
    """Process 0 here, with process 1 beside it; use as a context manager."""

    def __init__(self):
        self.seat = Seat(f"127.0.0.1:{free_port()}", 2, 0)
        self.other = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.execution.hosts.members", self.seat.coordinator],
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def __enter__(self):
        self.team = team.gather(self.seat, HOST, PLAN, 60)
        self.executor = Leader(self.team, executor())
        return self

    def __exit__(self, *_):
        self.team.dismiss(1)
        self.other.kill()
        self.other.communicate()

    def end(self):
        """Exit code and last line of process 1."""
        _, said = self.other.communicate(timeout=30)
        return self.other.returncode, (said.strip().splitlines() or [""])[-1]


def in_thread(function, *arguments):
    """Call it meanwhile; the function returned waits for what it returns or raises."""
    came = []

    def call():
        try:
            came.append(function(*arguments))
        except Exception as error:
            came.append(error)

    thread = threading.Thread(target=call)
    thread.start()

    def result():
        thread.join(30)
        if isinstance(came[0], Exception):
            raise came[0]
        return came[0]

    return result


if __name__ == "__main__":
    seat = Seat(sys.argv[1], 2, 1)
    sys.exit(follower.follow(seat, team.call(seat, HOST, PLAN, 60), PLAN, executor()))
