"""Faults inside a worker, with workers that do nothing else; and faults of the folder."""

import shutil

from bench.execution.local import LocalExecutor
from bench.records import store
from tests.faults.behaviour import Watcher, behave, by_model, run, run_on
from tests.faults.registry import Seen, fault
from tests.support.factory import make_case, make_host, make_record


class Impatient(Watcher):
    """Sets a time limit when the first case has ended, and waits for that as long as it takes."""

    def __init__(self, executor):
        super().__init__()
        self._executor = executor

    def finished(self, record, again):
        super().finished(record, again)
        self._executor._timeout = 0.1


def _beside_a_good_one(folder, status, word, *, case, **limits):
    """Run an ill case beside a good one, and compare what is on the disk with what should be."""
    executor = LocalExecutor(make_host(), (0, 1), execute=behave, **limits)
    watcher = Impatient(executor) if status == "timeout" else Watcher()
    finish = run_on(executor, folder, case, make_case("knn"), watcher=watcher)
    runs = by_model(finish.stored)
    on_disk = by_model(store.read(folder))
    assert runs["knn"].status == "ok", runs["knn"]
    assert runs[case.model].status == status, runs[case.model]
    assert word in runs[case.model].error, runs[case.model]
    return Seen(f"{status}: {runs[case.model].error}", len(runs) - len(on_disk))


@fault("worker raises")
def raises(folder):
    return _beside_a_good_one(folder, "failed", "no such luck", case=make_case("svm", end="raise"))


@fault("worker segfaults")
def segfault(folder):
    return _beside_a_good_one(folder, "failed", "SIGSEGV", case=make_case("svm", end="segfault"))


@fault("worker aborts")
def abort(folder):
    return _beside_a_good_one(folder, "failed", "SIGABRT", case=make_case("svm", end="abort"))


@fault("worker hangs")
def hang(folder):
    case = make_case("svm", sleep=600)
    return _beside_a_good_one(folder, "timeout", "stopped", case=case)


@fault("worker exceeds its memory limit")
def greedy(folder):
    case = make_case("svm", hold=500 * 2**20, sleep=600)
    return _beside_a_good_one(folder, "oom", "limit", case=case, memory_limit=300 * 2**20)


@fault("worker dies after it has measured")
def dies_late(folder):
    finish = run(folder, make_case("svm", measured=True, end="segfault"), make_case("knn"))
    assert {stored.record.run.status for stored in finish.stored} == {"ok"}
    return Seen("its record is kept, without pictures", 2 - len(by_model(store.read(folder))))


@fault("results folder deleted mid-run")
def deleted(folder):
    results = folder / "results"

    class Deleting(Watcher):
        def started(self, task):
            super().started(task)
            if len(self.tasks) == 1:
                shutil.rmtree(results)

    finish = run(results, make_case("svm", sleep=1), make_case("knn"), watcher=Deleting())
    kept = list(store.read(results))
    return Seen(f"made anew; {len(kept)} cases recorded in it", len(finish.stored) - len(kept))


@fault("torn, foreign and newer files among the records")
def torn(folder):
    good = store.write(folder, make_record(make_case("knn")), {})
    text = good.path.read_bytes()
    bad = {
        "torn.json": text[: len(text) // 2],
        "empty.json": b"",
        "foreign.json": b'{"name": "package"}',
        "newer.json": text.replace(b'"schema": 2', b'"schema": 3'),
        "noise.json": bytes(range(256)),
        ".left.json.x.partial": text[:10],
    }
    for name, content in bad.items():
        good.path.with_name(name).write_bytes(content)
    run(folder, make_case("svm"))
    found = by_model(store.read(folder))
    for name, content in bad.items():
        assert good.path.with_name(name).read_bytes() == content, name
    return Seen("named and left alone; the others are read", 2 - len(found))
