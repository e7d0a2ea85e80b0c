"""Process 0 and another on loopback: what goes wrong in one place ends the case in both."""

import time

import psutil

from bench.execution.pending import PendingCases
from bench.execution.scheduler import Scheduler
from bench.measure.messages import new_task
from bench.records import store
from tests.bench.execution.hosts.members import HOST, Together
from tests.faults.behaviour import Watcher
from tests.support.factory import make_case
from tests.support.processes import wait_for, workers


def case(first, second, seed=0):
    return make_case("cnn", seed=seed, at=[first, second])


def run(together, results, *cases, **options):
    Scheduler(PendingCases(cases), results, together.executor, Watcher(), **options).run()
    return {
        found.record.case.seed: found.record.run
        for found in sorted(store.read(results), key=lambda found: found.record.run.started)
    }


def test_one_record_a_case_and_a_common_exit_code(tmp_path):
    with Together() as together:
        runs = run(together, tmp_path, case({}, {"sleep": 0.3}), case({"sleep": 0.3}, {}, seed=1))
        assert {seed: run.status for seed, run in runs.items()} == {0: "ok", 1: "ok"}
        assert len(list(store.read(tmp_path))) == 2
        together.team.dismiss(3)
        assert together.end()[0] == 3


def test_a_fault_in_one_place_ends_the_case_in_both_and_the_next_one_is_whole(tmp_path):
    long, began = {"sleep": 600}, time.monotonic()
    with Together() as together:
        runs = run(
            together,
            tmp_path,
            case(long, {"end": "die"}, seed=0),
            case({"end": "raise"}, long, seed=1),
            case(long, {"end": "raise"}, seed=2),
            case({"end": "die"}, long, seed=3),
            case({}, {}, seed=4),
        )
    assert time.monotonic() - began < 60
    assert {seed: (run.status, run.error) for seed, run in runs.items()} == {
        0: ("failed", "process 1: the worker process died: killed by SIGKILL "
                      "(by hand, or by the system for want of memory)"),
        1: ("failed", "the worker failed: RuntimeError: no such luck"),
        2: ("failed", "process 1: the worker failed: RuntimeError: no such luck"),
        3: ("failed", "the worker process died: killed by SIGKILL "
                      "(by hand, or by the system for want of memory)"),
        4: ("ok", None),
    }  # fmt: skip


def test_the_death_of_another_worker_is_tried_again(tmp_path):
    tried = str(tmp_path / "tried")
    with Together() as together:
        results = tmp_path / "results"
        run(together, results, case({"sleep": 1}, {"end": "die", "until": tried}), retries=1)
    statuses = sorted(found.record.run.status for found in store.read(results))
    assert statuses == ["failed", "ok"]


def test_a_process_that_is_gone_fails_what_is_left_at_once(tmp_path):
    class Killing(Watcher):
        def progress(self, task, progress):
            together.other.kill()

    began = time.monotonic()
    with Together() as together:
        cases = [case({"sleep": 600}, {"sleep": 600}), case({"sleep": 600}, {}, seed=1)]
        finish = Scheduler(
            PendingCases(cases), tmp_path, together.executor, Killing(), retries=1
        ).run()
    assert time.monotonic() - began < 30
    assert len(finish.stored) == len(list(store.read(tmp_path))) == 2  # no attempt in vain
    for found in finish.stored:
        assert found.record.run.status == "failed"
        assert found.record.run.error.startswith("process 1 is gone: ")


def test_without_process_0_the_others_end():
    with Together() as together:
        for link in together.team.links.values():
            link.close()
        assert together.end() == (1, "error: process 0 is gone: the connection was closed")


def test_an_interrupt_stops_the_workers_of_all():
    with Together() as together:
        other = psutil.Process(together.other.pid)
        long = case({"sleep": 600}, {"sleep": 600})
        together.executor.prepare([long])
        place = together.executor.find_slot(long)
        together.executor.start(new_task(long, HOST, place.cores), place)
        wait_for(lambda: workers(other.pid), "a worker")
        (ended,) = together.executor.stop()
        assert ended.outcome.record.run.status == "interrupted"
        wait_for(lambda: not workers(other.pid), "its end")
