"""Who is let in, who is not, and what each is told."""

import socket
import time
from dataclasses import replace

import pytest

from bench.execution.hosts import team
from bench.execution.hosts.link import Dismiss
from bench.execution.hosts.seat import free_port
from bench.measure.messages import Seat
from bench.records.schema import Probe
from fmnist_jax.errors import UserError
from tests.bench.execution.hosts.members import in_thread
from tests.support.factory import make_case, make_host

CASES = [make_case("cnn"), make_case("resnet")]
HOST = make_host()


@pytest.fixture
def seats():
    coordinator = f"127.0.0.1:{free_port()}"
    return [Seat(coordinator, 2, number) for number in (0, 1)]


def reason(link):
    """What process 0 has said to one that it sends away."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        for message in link.messages():
            assert isinstance(message, Dismiss)
            return message.code, message.reason
        time.sleep(0.02)
    raise TimeoutError


def test_the_hardware_of_all_is_added_up(seats):
    gathering = in_thread(team.gather, seats[0], HOST, CASES, 20)
    link = team.call(
        seats[1], make_host(probe=Probe(matmul_flops=2e11, bandwidth_bytes=None)), CASES
    )
    made = gathering()
    machine = made.host.machine
    assert (machine.id, machine.cores) == ("test-cpu-2c-x2hosts", 4)
    assert machine.probe == Probe(matmul_flops=3e11, bandwidth_bytes=None)
    assert machine.accelerator_count == 0
    made.dismiss(0)
    assert reason(link) == (0, None)
    link.close()


def software(**versions):
    return HOST.model_copy(update={"software": HOST.software.model_copy(update=versions)})


@pytest.mark.parametrize(
    ("host", "cases", "change", "message"),
    [
        (software(jax="0.9.0"), CASES, {}, "jax is 0.9.0 there and 0.10.2 here"),
        (make_host(cores=3), CASES, {}, "cores is 3 there and 2 here"),
        (make_host(accelerator="H100", accelerator_count=1), CASES, {}, "accelerator is H100"),
        (HOST, CASES[:1], {}, "process 1 has other cases than process 0"),
        (HOST, CASES, {"processes": 3}, "was told of 3 processes, not 2"),
        (HOST, CASES, {"process_id": 0}, "more than one process 0"),
    ],
)
def test_one_that_does_not_fit_ends_the_run_in_one_line(seats, host, cases, change, message):
    gathering = in_thread(team.gather, seats[0], HOST, CASES, 20)
    link = team.call(replace(seats[1], **change), host, cases)
    with pytest.raises(UserError, match=message):
        gathering()
    code, text = reason(link)
    assert code == 2
    assert message in text
    link.close()


def test_those_who_came_are_told_that_others_did_not(seats):
    seat = Seat(seats[0].coordinator, 4, 0)
    gathering = in_thread(team.gather, seat, HOST, CASES, 2)
    link = team.call(Seat(seat.coordinator, 4, 2), HOST, CASES)
    with pytest.raises(UserError, match=r"of 4 processes number 1, 3 did not call at .* 2 s"):
        gathering()
    code, text = reason(link)
    assert code == 2
    assert "number 1, 3 did not call" in text
    link.close()


def test_nobody_there_is_one_line(seats):
    with pytest.raises(UserError, match=r"process 0 does not answer at 127\.0\.0\.1"):
        team.call(seats[1], HOST, CASES, 0.5)


def test_a_port_in_use_is_one_line(seats):
    with (
        socket.create_server(("", seats[0].port)),
        pytest.raises(UserError, match="cannot listen at port"),
    ):
        team.gather(seats[0], HOST, CASES, 1)


def test_strangers_and_the_hasty_do_not_disturb(seats):
    coordinator = seats[0].coordinator
    gathering = in_thread(team.gather, Seat(coordinator, 3, 0), HOST, CASES, 20)
    team.call(Seat(coordinator, 3, 1), HOST, CASES).close()  # stopped at once, and started anew
    strangers = [socket.create_connection(("127.0.0.1", seats[0].port)) for _ in range(3)]
    strangers[0].sendall(b"GET / HTTP/1.1\r\n\r\n")
    strangers[1].sendall(b'{"kind": "dismiss", "code": 0}\n')
    strangers[2].sendall(b"half a mess")  # and no more
    links = [team.call(Seat(coordinator, 3, number), HOST, CASES) for number in (1, 2)]
    made = gathering()
    assert list(made.links) == [1, 2]
    made.dismiss(0)
    assert [reason(link) for link in links] == [(0, None)] * 2
    for opened in (*strangers, *links):
        opened.close()
