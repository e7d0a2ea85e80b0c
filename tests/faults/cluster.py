"""Faults of a Dask cluster, with a scheduler and workers that are processes on the loopback."""

import psutil

from bench.execution.cluster.connect import connected
from bench.records import store
from tests.faults.behaviour import Watcher, behave, run_on
from tests.faults.registry import Seen, fault
from tests.support.factory import make_case
from tests.support.processes import PATIENCE_S, wait_for
from tests.support.small_cluster import introduce, small_cluster


class Killer(Watcher):
    """Kills the first worker that has a case at work."""

    def __init__(self, cluster):
        super().__init__()
        self._cluster, self.left = cluster, []

    def progress(self, task, progress):
        if not self.left:
            ((worker, self.left),) = self._cluster.running().items()
            worker.kill()


def lose_a_worker(folder, case=None):
    """Two workers, and a case that ends only on the second that gets it."""
    case = case or make_case("svm", sleep=600, until=str(folder / "tried"))
    results = folder / "results"
    results.mkdir()
    with small_cluster(folder, ["--no-nanny"], ["--no-nanny"]) as cluster:
        watcher = Killer(cluster)
        with connected(
            cluster.address, results, "bench", inspect=introduce, execute=behave
        ) as executor:
            wait_for(lambda: executor._pool.refresh() or len(executor.hosts) == 2, "both workers")
            run_on(executor, results, case, watcher=watcher)
        assert psutil.wait_procs(watcher.left, timeout=PATIENCE_S)[1] == [], "orphaned processes"
    found = sorted(store.read(results), key=lambda found: found.record.run.started)
    return watcher, [each.record for each in found]


@fault("lost cluster worker")
def lost_worker(folder):
    watcher, records = lose_a_worker(folder)
    statuses = [record.run.status for record in records]
    assert set(statuses) <= {"failed", "ok"}, statuses
    assert watcher.attempts[-1] == ("svm", "ok", False), watcher.attempts
    return Seen("recorded as failed, done on the other machine", 2 - len(statuses))
