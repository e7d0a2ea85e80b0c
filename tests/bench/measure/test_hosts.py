"""What processes that train together compare, and what they are as one machine."""

import pytest

from bench.measure import hosts
from bench.measure.hosts import Member, Rank, add_up, describe_difference
from bench.records.schema import Probe
from tests.support.factory import make_case, make_host

CASES = (make_case("cnn"), make_case("resnet"))
HOST = make_host()


def facts(host=HOST, cases=CASES, processes=2):
    return hosts.facts(Member(Rank("host:1", processes, 0), host, cases, (0, 1)))


def software(**versions):
    return HOST.model_copy(update={"software": HOST.software.model_copy(update=versions)})


def test_the_hardware_of_all_is_added_up():
    other = make_host(probe=Probe(matmul_flops=2e11, bandwidth_bytes=None))
    machine = add_up([HOST.machine, other.machine])
    assert (machine.id, machine.cores) == ("test-cpu-2c-x2hosts", 4)
    assert machine.memory_bytes == 2**31
    assert machine.probe == Probe(matmul_flops=3e11, bandwidth_bytes=None)
    assert machine.accelerator_count == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"host": software(jax="0.9.0")}, "jax is 0.10.2 on process 0, 0.9.0 on process 1"),
        ({"host": software(jax_config={"jax_enable_x64": True})}, "jax config is {} on"),
        ({"host": make_host(cores=3)}, "cores is 2 on process 0, 3 on process 1"),
        (
            {"host": make_host(accelerator="H100", accelerator_count=1)},
            "accelerator is None on process 0, H100 on process 1",
        ),
        ({"cases": CASES[:1]}, "models and options is "),
        ({"processes": 3}, "--processes is 2 on process 0, 3 on process 1"),
    ],
)
def test_a_difference_is_named_with_its_values(change, message):
    difference = describe_difference([facts(), facts(**change)])
    assert difference.startswith(f"the hosts must be alike and are not: {message}")


def test_what_may_differ_is_not_compared():
    other = make_host(memory_bytes=1, cpu="Another name", probe=Probe(
        matmul_flops=1.0, bandwidth_bytes=1.0
    ))  # fmt: skip
    assert describe_difference([facts(), facts(other)]) is None
