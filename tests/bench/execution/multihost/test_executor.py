"""Two processes on loopback that really join, and do with a case what its model asks for."""

import os
import signal
import socket
import threading
from dataclasses import replace

import pytest

from bench.execution.executor import Slot
from bench.execution.multihost.executor import connect
from bench.execution.multihost.worker import HostLost, follow, start_worker
from bench.execution.scheduler import Scheduler
from bench.measure.hosts import Member, Rank
from bench.measure.messages import Measured, Outcome, Progress, make_record, new_task
from bench.records.pending import find_pending
from fmnist_jax.errors import UserError, in_one_line
from tests.faults.behaviour import Watcher
from tests.support.factory import make_case, make_host

HOST = make_host()


def behave(task, events):
    """Do what the case asks of this process: {"at": [by process id]}; it never raises."""
    try:
        return obey(task, events)
    except Exception as error:
        return Outcome(make_record(task, "failed", in_one_line(error)))


def obey(task, events):
    from fmnist_jax.training.program.placement import broadcast_bytes

    wish = task.case.config["model"]["at"][task.process_id]
    events.send(Progress("train", 1, 2))
    broadcast_bytes(b"as in training, nobody goes on without the others")
    if wish == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if wish == "wait":
        broadcast_bytes(b"for one that will not come")
    if wish in ("measured", "die measured"):
        record = make_record(task, "ok")
        events.send(Measured(record, {"a": ("b", b"c")}))
        if wish == "die measured":
            os.kill(os.getpid(), signal.SIGKILL)
        return Outcome(record)
    return Outcome(make_record(task, wish, None if wish == "ok" else "because"))


def make_task(*wishes):
    return new_task(make_case("cnn", at=list(wishes)), HOST, (0,))


@pytest.fixture
def member():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    return Member(Rank(f"127.0.0.1:{port}", 2, 0), HOST, [make_case("cnn")], (0,), join_s=120)


class Follower(threading.Thread):
    """Process 1, followed by a thread of this process."""

    def __init__(self, member):
        super().__init__()
        self._member = replace(member, rank=replace(member.rank, process_id=1))
        self.result = None
        self.start()

    def run(self):
        try:
            self.result = follow(self._member, behave)
        except UserError as error:
            self.result = error


def run(executor, task, reports):
    executor.prepare([task.case], lambda task, message: reports.append(message))
    executor.start(task, executor.find_slot(task.case))
    assert executor.find_slot(task.case) is None
    while not (results := executor.poll()):
        pass
    (result,) = results
    assert result.task is task
    return result.outcome.record


def test_all_run_what_process_0_decides(member):
    follower, reports = Follower(member), []
    with connect(member, execute=behave) as executor:
        (host,) = executor.hosts
        assert host.machine.id == executor.lock_scope == "test-cpu-2c-x2hosts"
        assert run(executor, make_task("ok", "ok"), reports).run.status == "ok"
        assert run(executor, make_task("diverged", "diverged"), reports).run.status == "diverged"
        assert run(executor, make_task("measured", "ok"), reports).run.status == "ok"
        assert executor.find_slot(make_case("cnn")) == Slot(host, (0,))  # nothing is at work
    follower.join(60)
    assert follower.result == 1  # one of them diverged, here as there
    assert {type(message) for message in reports} == {Progress, Measured}


def test_a_lost_process_ends_the_run_on_every_host_and_is_named(member):
    follower = Follower(member)
    records = []

    def connected():
        with connect(member, execute=behave) as executor:
            records.append(run(executor, make_task("wait", "die"), []))
            executor.find_slot(records[0].case)

    with pytest.raises(HostLost, match="process 1 was lost; run again"):
        connected()
    assert records[0].run.status == "failed"
    assert records[0].run.error == "process 1 was lost"
    follower.join(60)
    assert isinstance(follower.result, HostLost)
    assert "killed by SIGKILL" in str(follower.result)
    assert follower.result.exit_code == 1


def test_of_a_worker_lost_after_it_has_measured_the_record_is_passed_on(member):
    follower = Follower(member)
    records, reports = [], []

    def connected():
        with connect(member, execute=behave) as executor:
            records.append(run(executor, make_task("die measured", "wait"), reports))

    with pytest.raises(HostLost, match="killed by SIGKILL"):  # no further case can run
        connected()
    assert records[0].run.status == "failed"
    (measured,) = [message for message in reports if isinstance(message, Measured)]
    assert measured.record.run.status == "ok"
    assert measured.artifacts == {"a": ("b", b"c")}
    follower.join(60)
    assert isinstance(follower.result, HostLost)


def test_a_case_that_takes_too_long_ends_the_run(member):
    follower = Follower(member)
    records = []

    def connected():
        with connect(member, timeout=0.1, execute=behave) as executor:
            records.append(run(executor, make_task("wait", "ok"), []))

    with pytest.raises(HostLost, match=r"stopped after 0\.1 s; allow more with --timeout"):
        connected()
    assert records[0].run.status == "timeout"
    follower.join(60)
    assert isinstance(follower.result, HostLost)


class Interrupting(Watcher):
    """Presses Ctrl-C when a case begins (`started`) or has ended (`finished`)."""

    def __init__(self, moment):
        super().__init__()
        self._moment = moment

    def progress(self, task, progress):
        if self._moment == "started":
            os.kill(os.getpid(), signal.SIGINT)

    def finished(self, record, again):
        super().finished(record, again)
        if self._moment == "finished":
            os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize(
    ("moment", "wish", "status"), [("started", "wait", "interrupted"), ("finished", "ok", "ok")]
)
def test_ctrl_c_at_process_0_interrupts_every_host(member, tmp_path, moment, wish, status):
    follower, watcher = Follower(member), Interrupting(moment)
    cases = [make_case("cnn", seed=seed, at=[wish, wish]) for seed in (0, 1)]
    with connect(member, execute=behave) as executor:
        pending = find_pending(cases, executor.hosts, tmp_path)
        summary = Scheduler(pending, tmp_path, executor, watcher).run()
    assert summary.interrupted
    assert watcher.attempts == [("cnn", status, False)]
    assert summary.left == 1
    follower.join(60)
    assert follower.result.exit_code == 130
    assert str(follower.result) == (
        "interrupted on another host; run again to go on from the last checkpoint"
    )


def test_ctrl_c_at_another_host_interrupts_process_0(member):
    ended = []

    def press_ctrl_c():
        with start_worker(replace(member, rank=replace(member.rank, process_id=1)), behave):
            raise KeyboardInterrupt

    def follow_and_interrupt():
        with pytest.raises(HostLost, match="interrupted; run again") as error:
            press_ctrl_c()
        ended.append(error.value.exit_code)

    follower = threading.Thread(target=follow_and_interrupt)
    follower.start()
    records = []

    def connected():
        with connect(member, execute=behave) as executor:
            records.append(run(executor, make_task("wait", "wait"), []))

    with pytest.raises(HostLost, match="interrupted on another host; run again") as error:
        connected()
    assert error.value.exit_code == 130
    assert records[0].run.status == "interrupted"
    follower.join(60)
    assert ended == [130]


def test_hosts_that_differ_do_not_begin(member):
    other = replace(member, host=make_host(cores=3))
    follower = Follower(other)
    with (
        pytest.raises(UserError, match="cores is 2 on process 0, 3 on process 1"),
        connect(member, execute=behave),
    ):
        pytest.fail("it began")
    follower.join(60)
    assert "cores is 2 on process 0" in str(follower.result)
    assert follower.result.exit_code == 2


def test_one_that_does_not_come_is_one_line(member):
    with (
        pytest.raises(UserError, match="the 2 processes did not all join at"),
        connect(replace(member, join_s=1), execute=behave),
    ):
        pytest.fail("it began")


def test_a_port_in_use_is_one_line(member):
    with (
        socket.create_server(("", member.rank.port)),
        pytest.raises(UserError, match="cannot listen at port"),
        connect(member, execute=behave),
    ):
        pytest.fail("it began")
