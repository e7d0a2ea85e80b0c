"""The loop: what it hands out, stores, tries again and leaves to others."""

import os
import signal
import threading
from dataclasses import replace

from bench.execution.executor import Slot, TaskResult
from bench.execution.local import LocalExecutor
from bench.execution.retries import MAX_RELOCATIONS
from bench.execution.scheduler import Scheduler
from bench.measure import messages
from bench.measure.messages import Measured, Outcome
from bench.records import store
from bench.records.pending import PendingCases, find_pending
from tests.faults.behaviour import Watcher, behave, by_model, run, run_on
from tests.support.factory import make_case, make_host, make_record
from tests.support.processes import wait_for


def done(finish):
    return by_model(finish.stored)


def statuses(results):
    return sorted((f.record.case.model, f.record.run.status) for f in store.read(results))


def test_an_interrupt_keeps_what_is_done_and_records_the_rest(tmp_path):
    watcher = Watcher()

    def interrupt():
        wait_for(lambda: watcher.attempts, "the end of a case")
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=interrupt).start()
    cases = [make_case("knn"), make_case("svm", sleep=600), make_case("logistic_regression")]
    cases.append(make_case("logistic_regression", sleep=600, seed=1))
    finish = run(tmp_path, *cases, watcher=watcher)
    assert finish.interrupted
    runs = done(finish)
    assert runs["knn"].status == "ok"
    assert runs["svm"].status == "interrupted"
    assert by_model(store.read(tmp_path)) == runs


def test_a_second_run_does_only_what_is_missing(tmp_path):
    cases = [make_case("knn"), make_case("svm")]
    store.write(tmp_path, make_record(cases[0]), {})
    store.write(tmp_path, make_record(cases[1], status="failed"), {})
    pending = find_pending(cases, [make_host()], tmp_path)
    assert pending.todo == [cases[1]]
    assert [stored.record.case for stored in pending.done] == [cases[0]]
    pending = find_pending(cases, [make_host()], tmp_path, fresh=True)
    assert (pending.todo, pending.done) == (cases, [])


def test_a_case_that_comes_twice_runs_once(tmp_path):
    watcher, case = Watcher(), make_case("knn")
    assert find_pending([case, case], [make_host()], tmp_path).todo == [case]
    executor = LocalExecutor(make_host(), (0, 1), execute=behave)
    summary = Scheduler(PendingCases([case, case]), tmp_path, executor, watcher).run()
    assert watcher.attempts == [("knn", "ok", False)]
    assert len(summary.stored) == 1


def test_a_transient_fault_is_tried_again_and_every_attempt_is_kept(tmp_path):
    watcher = Watcher()
    case = make_case("svm", end="die", until=str(tmp_path / "tried"))
    finish = run(tmp_path / "r", case, make_case("knn"), watcher=watcher, retries=2)
    assert done(finish)["svm"].status == "ok"
    assert [attempt for attempt in watcher.attempts if attempt[0] == "svm"] == [
        ("svm", "failed", True),
        ("svm", "ok", False),
    ]
    assert statuses(tmp_path / "r") == [("knn", "ok"), ("svm", "failed"), ("svm", "ok")]


def test_retries_have_an_end_and_a_mistake_is_not_repeated(tmp_path):
    watcher = Watcher()
    cases = make_case("svm", end="die"), make_case("knn", end="raise")
    finish = run(tmp_path, *cases, watcher=watcher, retries=1)
    assert sorted(watcher.attempts) == [
        ("knn", "failed", False),
        ("svm", "failed", False),
        ("svm", "failed", True),
    ]
    assert {r.status for r in done(finish).values()} == {"failed"}
    assert len(finish.stored) == 2


class Vanishing:
    """Machines that are gone as soon as they have begun with a case."""

    lock_scope = "vanishing"

    def __init__(self):
        self.hosts, self.ended = [make_host()], []

    def prepare(self, cases, report):
        self.report = report

    def find_slot(self, case):
        return Slot(self.hosts[0], (0,))

    def start(self, task, place):
        outcome = Outcome(messages.make_record(task, "failed", "its worker was lost"))
        self.ended.append(TaskResult(task, outcome, retryable=True, worker_lost=True))

    def poll(self):
        ended, self.ended = self.ended, []
        return ended

    def stop(self):
        return []


def test_a_case_that_loses_every_machine_is_given_up(tmp_path):
    finish = run_on(Vanishing(), tmp_path, make_case("svm"), retries=1)
    assert done(finish)["svm"].status == "failed"
    # The first attempt, as many elsewhere, and the retry.
    assert statuses(tmp_path) == [("svm", "failed")] * (1 + MAX_RELOCATIONS + 1)


def test_a_death_after_the_measuring_costs_the_pictures_alone(tmp_path, caplog):
    class Dying(Vanishing):
        def start(self, task, place):
            super().start(task, place)
            record = messages.make_record(task, "ok")
            self.report(task, Measured(record, {"a.txt": ("a", b"b")}))

    watcher = Watcher()
    cases = make_case("svm"), make_case("knn")
    finish = run_on(Dying(), tmp_path, *cases, watcher=watcher, retries=1)
    assert watcher.attempts == [("svm", "ok", False), ("knn", "ok", False)]
    for stored in finish.stored:
        assert stored.record.run.contended
        assert stored.artifact("a").read_bytes() == b"b"
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert warnings == [
        f"{model} was measured, but its pictures and explanations are missing: its worker was lost"
        for model in ("svm", "knn")
    ]


def test_what_a_machine_had_done_that_joins_late_is_not_done_again(tmp_path):
    class Joining(Vanishing):
        def prepare(self, cases, report):
            self.hosts.append(make_host(id="late"))

    watcher, case = Watcher(), make_case("svm")
    store.write(tmp_path, make_record(case, host=make_host(id="late")), {})
    finish = run_on(Joining(), tmp_path, case, watcher=watcher)
    assert watcher.tasks == []
    assert [found.record.machine.id for found in finish.stored] == ["late"]
    run_on(Joining(), tmp_path, case, watcher=watcher, fresh=True)
    assert watcher.tasks


# Runs one of four cases at a time, and notes when it has seen that another run does, too.


class TestSeedsTogether:
    """What one worker trains of several seeds, and what becomes of each."""

    def run(self, folder, seeds=4, together=3, **hyper):
        watcher = Watcher()
        hyper |= {"seeds_together": together}
        cases = [make_case("cnn", seed=seed, **hyper) for seed in range(seeds)]
        finish = run(folder, *cases, watcher=watcher)
        groups = [(task.case.seed, *(case.seed for case in task.beside)) for task in watcher.tasks]
        return groups, finish, watcher

    def test_each_has_its_record(self, tmp_path):
        groups, finish, watcher = self.run(tmp_path, measured=True)
        assert groups == [(0, 1, 2), (3,)]
        stored = {found.record.case.seed: found for found in finish.stored}
        assert sorted(stored) == [0, 1, 2, 3]
        assert [stored[seed].record.run.seeds_together for seed in range(4)] == [3, 3, 3, None]
        assert all(found.artifact("note") for found in stored.values())
        assert watcher.attempts == [("cnn", "ok", False)] * 4
        assert finish.left == 0
        assert not list(tmp_path.glob(".locks/*"))

    def test_who_gets_no_record_is_trained_again(self, tmp_path):
        groups, finish, _ = self.run(tmp_path, measured="own")
        assert groups == [(0, 1, 2), (2, 1, 3), (3, 1), (1,)]
        assert sorted(found.record.case.seed for found in finish.stored) == [0, 1, 2, 3]

    def test_if_they_fail_together_each_is_tried_alone(self, tmp_path):
        groups, finish, watcher = self.run(tmp_path, together=4, end="raise")
        assert groups[0] == (0, 1, 2, 3)
        assert sorted(groups[1:]) == [(0,), (1,), (2,), (3,)]
        assert watcher.attempts == [("cnn", "failed", True)] + [("cnn", "failed", False)] * 4
        assert len(finish.stored) == 4

    def test_other_settings_and_finished_seeds_are_not_among_them(self, tmp_path):
        hyper = {"seeds_together": 8, "measured": True}
        cases = [make_case("cnn", seed=seed, **hyper) for seed in range(3)]
        cases.append(make_case("cnn", seed=3, **hyper, epochs=9))
        store.write(tmp_path, make_record(cases[1]), {})
        watcher = Watcher()
        run(tmp_path, *cases, watcher=watcher)
        groups = {task.case.seed: [case.seed for case in task.beside] for task in watcher.tasks}
        assert groups == {0: [2], 3: []}

    def test_who_is_taken_along_is_not_started_again_where_there_is_room(self, tmp_path):
        class Roomy(Vanishing):
            def find_slot(self, case):
                return Slot(self.hosts[0], (0,), takes_several_seeds=True)

            def start(self, task, place):
                for case in (task.case, *task.beside):
                    record = messages.make_record(replace(task, case=case), "ok")
                    self.report(task, Measured(record))
                outcome = Outcome(messages.make_record(task, "ok"))
                self.ended.append(TaskResult(task, outcome))

        cases = [make_case("cnn", seed=seed, seeds_together=2) for seed in range(4)]
        watcher = Watcher()
        finish = run_on(Roomy(), tmp_path, *cases, watcher=watcher)
        assert [len(task.beside) for task in watcher.tasks] == [1, 1]
        assert len(finish.stored) == 4
