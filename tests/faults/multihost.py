"""Faults of a training over several hosts, here two processes on the loopback."""

from bench.records import store
from tests.faults.registry import Seen, fault
from tests.support import two_hosts

OPTIONS = (
    *("cnn", "--dataset=synthetic", "--set=checkpoint_every=1", "--set=supplements=false"),
    *("--set=data.train_images=600", "--set=data.validation_images=100"),
    *("--set=data.test_images=100", "--set=cnn.epochs=5", "--set=cnn.batch_size=60"),
)


@fault("SIGKILL of one of two hosts that train together", slow=True)
def lost_host(folder):
    cache = folder.parent / "cache"
    (codes, said), (codes_again, said_again) = two_hosts.lose_a_worker(folder, cache, *OPTIONS)
    assert codes == [1, 1], said
    assert "process 1 was lost; run again to go on" in said[0].splitlines()[-1], said
    assert codes_again == [0, 0], said_again
    records = sorted(store.read(folder / "0"), key=lambda found: found.record.run.started)
    runs = [found.record.run for found in records]
    assert [run.status for run in runs] in (["failed", "ok"], ["ok"], ["failed"]), runs
    assert runs[-1].resumed_from_epoch, "nothing was gone on from"
    return Seen("both end with exit code 1, the next run goes on", 2 - len(runs))
