"""A Dask scheduler and workers for tests: processes of their own, on the loopback."""

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import psutil

from fmnist_jax.system.child import TAG
from tests.support.factory import make_host
from tests.support.processes import wait_for

ROOT = Path(__file__).parents[2]


def introduce(command, cores):
    """A fingerprint that takes no time; one machine for each first core."""
    return make_host(id=f"test-core-{cores[0]}", cores=len(cores))


class SmallCluster:
    """A scheduler, and the workers that are asked for."""

    def __init__(self, folder, **environment):
        self._folder = folder
        self._environment = os.environ | environment
        self._file = folder / "scheduler.json"
        self.workers = []
        self.scheduler = self._start("scheduler", "--host=127.0.0.1", "--port=0")
        # The file is there before it is written.
        said = wait_for(lambda: self._file.exists() and self._file.read_text(), "the scheduler")
        self.address = json.loads(said)["address"]

    def worker(self, *options, threads=1):
        """Start one more, which joins when it is ready."""
        self.workers.append(
            self._start(
                "worker", f"--nthreads={threads}", f"--local-directory={self._folder}", *options
            )
        )

    def scale(self, count):
        """Start as many as are missing."""
        for _ in range(count - len(self.workers)):
            self.worker("--no-nanny")

    def running(self):
        """The processes of cases, by the process of their worker."""
        cases = {
            worker: [member for member in family(worker.pid) if _is_case(member)]
            for worker in self.workers
        }
        return {worker: members for worker, members in cases.items() if members}

    def close(self):
        """End all of it, and what the workers have started."""
        for process in (*self.workers, self.scheduler):
            for member in family(process.pid):
                member.kill()
            process.wait()

    def _start(self, kind, *options):
        with (self._folder / "dask.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "dask", kind, f"--scheduler-file={self._file}",
                 "--no-dashboard", *options],
                cwd=ROOT, stderr=log, start_new_session=True, env=self._environment,
            )  # fmt: skip


@contextmanager
def small_cluster(folder, *workers, **environment):
    """A scheduler, and a worker for each of the options."""
    cluster = SmallCluster(folder, **environment)
    try:
        for options in workers:
            cluster.worker(*options)
        yield cluster
    finally:
        cluster.close()


def family(pid):
    """A process and those below it."""
    try:
        process = psutil.Process(pid)
        return [*process.children(recursive=True), process]
    except psutil.Error:
        return []


def _is_case(process):
    try:
        return TAG in process.environ()
    except psutil.Error:
        return False
