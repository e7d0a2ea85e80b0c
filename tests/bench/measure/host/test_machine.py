from types import SimpleNamespace

import pytest

from bench.measure.host import machine
from bench.records.schema import Probe

PROBE = Probe(matmul_flops=None, bandwidth_bytes=None)


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("AMD EPYC 9454 48-Core Processor", "amd-epyc-9454"),
        ("AMD EPYC", "amd-epyc"),
        ("Intel(R) Xeon(R) CPU E5-2690 v4 @ 2.60GHz", "intel-xeon-e5-2690-v4"),
        ("Apple M3 Pro", "apple-m3-pro"),
        ("TPU v4", "tpu-v4"),
    ],
)
def test_slug(name, slug):
    assert machine.slug(name) == slug


@pytest.mark.parametrize(
    ("vendor", "name", "cores", "expected"),
    [
        ("AuthenticAMD", "zen4", 2, "amd-zen4-2c"),
        ("AuthenticAMD", "zen5", 2, "amd-zen5-2c"),
        ("GenuineIntel", "sapphirerapids", 16, "intel-sapphirerapids-16c"),
        ("Apple", "m3", 8, "apple-m3-8c"),
        ("ARM", "neoverse_v2", 72, "arm-neoverse-v2-72c"),
    ],
)
def test_processors_of_one_name_are_different_machines(vendor, name, cores, expected):
    microarchitecture = SimpleNamespace(vendor=vendor, name=name)
    assert machine.cpu_id("AMD EPYC", microarchitecture, cores) == expected


@pytest.mark.parametrize(
    ("family", "model", "expected"),
    [(23, 1, "zen"), (23, 49, "zen2"), (25, 1, "zen3"), (25, 17, "zen4"), (26, 2, "zen5")],
)
def test_a_virtual_machine_that_hides_features_does_not_hide_the_processor(
    monkeypatch, family, model, expected
):
    said = {"vendor_id": "AuthenticAMD", "cpu family": str(family), "model": str(model)}
    monkeypatch.setattr(machine, "processor", said.get)
    hidden = SimpleNamespace(vendor="generic", name="x86_64_v4")
    monkeypatch.setattr(machine.archspec.cpu, "host", lambda: hidden)
    assert machine.cpu_id("AMD EPYC", machine.find_microarchitecture(), 2) == f"amd-{expected}-2c"


def test_a_processor_that_archspec_does_not_know_goes_by_its_name(monkeypatch):
    family = SimpleNamespace(vendor="generic", name="x86_64_v3")
    monkeypatch.setattr(machine, "processor", {"vendor_id": "GenuineIntel"}.get)
    monkeypatch.setattr(machine.archspec.cpu, "host", lambda: family)
    assert machine.find_microarchitecture() is None
    assert machine.cpu_id("Some CPU 3000", None, 4) == "some-3000-4c"


@pytest.mark.parametrize(
    ("kind", "memory_gib", "count", "expected"),
    [
        ("NVIDIA H100 80GB HBM3", 80, 1, "nvidia-h100-80gb-x1"),
        ("NVIDIA A100-SXM4-40GB", 40, 8, "nvidia-a100-sxm4-40gb-x8"),
        ("NVIDIA H100 PCIe", 80, 2, "nvidia-h100-pcie-80gb-x2"),
        ("NVIDIA GeForce RTX 4090", 24, 1, "nvidia-geforce-rtx-4090-24gb-x1"),
        ("NVIDIA H200", None, 1, "nvidia-h200-x1"),
        ("TPU v4", None, 4, "tpu-v4-x4"),
    ],
)
def test_an_accelerator_is_named_with_its_memory(kind, memory_gib, count, expected):
    assert machine.accelerator_id(kind, memory_gib, count) == expected


def test_a_gpu_is_described_by_its_driver_too(monkeypatch):
    monkeypatch.setattr(machine, "ask_command", lambda *_, **__: "580.82.07, 81559")
    gpu = SimpleNamespace(platform="gpu", device_kind="NVIDIA H100 PCIe")
    described = machine.describe_machine([gpu, gpu], PROBE)
    assert described.id == "nvidia-h100-pcie-80gb-x2"
    assert (described.accelerator_count, described.driver) == (2, "580.82.07")
    assert described.cpu
