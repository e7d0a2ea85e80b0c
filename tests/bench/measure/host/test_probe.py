"""The fingerprint that a process of its own makes, and why it cannot be made."""

import socket

import jax
import jax.numpy as jnp
import pytest

from bench.measure.host import probe
from bench.records.schema import Machine
from fmnist_jax.errors import UserError


def test_the_fingerprint_is_complete_and_keeps_the_host_secret():
    host = probe.inspect("the command", (0,), folder="f" * 16)
    assert (host.command, host.folder) == ("the command", "f" * 16)
    assert host.machine.cores == 1  # as asked for
    assert host.machine.memory_bytes > 2**28
    assert host.machine.probe.matmul_flops > 1e8
    assert host.machine.probe.bandwidth_bytes > 1e8
    assert host.software.jax
    assert host.software.numpy
    assert socket.gethostname() not in host.machine.id
    assert Machine.model_validate_json(host.machine.model_dump_json()) == host.machine


@pytest.mark.parametrize(
    ("variable", "value", "reason"),
    [
        ("JAX_PLATFORMS", "cuda", r"no usable device of 'cuda'; unset JAX_PLATFORMS=cuda"),
        ("JAX_PLATFORMS", "nonsense", r"'nonsense' is not .*; unset JAX_PLATFORMS=nonsense, or"),
        ("XLA_FLAGS", "--xla_nonsense=3", "Unknown flag .*--xla_nonsense=3; correct or unset XLA_"),
        ("XLA_FLAGS", "--xla_cpu_enable_fast_math=maybe", "flag xla_cpu_enable_fast_math; correct"),
        ("XLA_FLAGS", "/no/such/file", 'Could not open file "/no/such/file".*; correct or unset'),
        ("JAX_ENABLE_X64", "maybe", "'maybe' .*; correct or unset JAX_ENABLE_X64"),
        ("JAX_DEFAULT_PRNG_IMPL", "x", '"x" .*; correct or unset JAX_DEFAULT_PRNG_IMPL'),
    ],
)
def test_what_keeps_jax_from_starting_is_named_in_one_line(monkeypatch, variable, value, reason):
    monkeypatch.setenv(variable, value)
    with pytest.raises(
        UserError, match=f"^JAX does not start on this machine: .*{reason}"
    ) as error:
        probe.inspect("the command", (0,))
    assert "\n" not in str(error.value)


def test_a_start_that_hangs_is_given_up():
    with pytest.raises(UserError, match=r"does not start on this machine: no answer within 0\.01"):
        probe.inspect("the command", (0,), timeout=0.01)


def test_a_fault_that_no_variable_explains_is_passed_on():
    assert probe.explain("ImportError: no libfoo", "Traceback\n") == "ImportError: no libfoo"


def test_what_is_fast_is_repeated_inside_one_call(monkeypatch):
    """The rate is that of one change, not of one call."""
    ticks = iter([0, 5, 5, 5.001, *range(10, 30)])  # compiling, one change, calls of a second
    monkeypatch.setattr(probe.time, "perf_counter", lambda: next(ticks))
    array = jnp.zeros((1, 3))
    assert probe._fastest(lambda now: (now + 1,), (array,), jax.devices()[:1]) == pytest.approx(
        1 / 20
    )
