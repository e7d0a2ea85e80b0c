import subprocess
import sys

import pytest

from bench.measure import machine
from fmnist_jax.system.cpu import available_cores


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("AMD EPYC 9454 48-Core Processor", "amd-epyc-9454"),
        ("AMD EPYC", "amd-epyc"),
        ("Intel(R) Xeon(R) CPU E5-2690 v4 @ 2.60GHz", "intel-xeon-e5-2690-v4"),
        ("NVIDIA H100 80GB HBM3", "nvidia-h100-80gb-hbm3"),
        ("Apple M3 Pro", "apple-m3-pro"),
        ("TPU v4", "tpu-v4"),
    ],
)
def test_slug(name, slug):
    assert machine.slug(name) == slug


def test_the_fingerprint_is_complete_and_keeps_the_host_secret():
    import socket

    host = machine.inspect("the command", (min(available_cores()),))
    assert host.command == "the command"
    assert host.machine.cores == 1  # as asked for
    assert host.machine.memory_bytes > 2**28
    assert host.machine.probe.matmul_flops > 1e8
    assert host.machine.probe.bandwidth_bytes > 1e8
    assert host.software.jax
    assert host.software.numpy
    assert socket.gethostname() not in host.machine.id


def test_software_does_not_import_what_it_names():
    code = (
        "import sys; from bench.measure import machine; machine.software(); machine.code(); "
        "sys.exit(bool({'jax', 'flax', 'sklearn'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
