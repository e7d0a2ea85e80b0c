"""Counters as the hardware would offer them, read from a folder or a pretended NVML."""

import sys
import time
from types import SimpleNamespace

import pytest

from bench.measure.host import energy
from bench.measure.host.energy import Counter, EnergyMeter, processor_counters
from bench.records.schema import Energy


def package(root, number, microjoules, name="package-0", limit=999):
    zone = root / f"intel-rapl:{number}"
    zone.mkdir(parents=True)
    (zone / "name").write_text(f"{name}\n")
    (zone / "max_energy_range_uj").write_text(f"{limit}\n")
    (zone / "energy_uj").write_text(f"{microjoules}\n")
    return zone / "energy_uj"


def test_packages_are_added_up_and_parts_of_them_left_out(tmp_path):
    first, second = package(tmp_path, 0, 100), package(tmp_path, 1, 900, "package-1")
    package(tmp_path, "0:0", 5, "core")
    meter = EnergyMeter("rapl", processor_counters(tmp_path))
    first.write_text("150")
    second.write_text("20")  # it has started again at 1,000
    assert meter.read() == pytest.approx((50 + 120) * 1e-6)
    first.write_text("160")
    assert meter.read() == pytest.approx((60 + 120) * 1e-6)


def test_without_counters_there_is_no_meter(tmp_path, monkeypatch):
    monkeypatch.setattr(energy, "processor_counters", lambda: processor_counters(tmp_path))
    meter = EnergyMeter.open(accelerator=False)
    assert (meter.source, meter.read()) == (None, None)
    assert meter.energy([None, None, None], fail, range(5)) == Energy()


def fail(_):
    raise AssertionError("predicted without a meter")


@pytest.mark.parametrize("accelerator", [False, True])
def test_counters_that_may_not_be_read_give_no_meter(monkeypatch, accelerator):
    def refuse(*_):
        raise PermissionError("Permission denied")

    monkeypatch.setattr(energy, "processor_counters", refuse)
    monkeypatch.setattr(energy, "gpu_counters", refuse)
    assert EnergyMeter.open(accelerator).source is None


def test_a_counter_that_fails_later_costs_the_energy_alone(caplog):
    values = iter([1, 2])
    meter = EnergyMeter("rapl", [Counter(lambda: next(values), 1.0, 100)])
    assert meter.read() == 1
    assert meter.read() is None
    assert meter.read() is None
    assert "energy is no longer measured" in caplog.text


def test_training_is_divided_into_epochs_and_prediction_among_images(monkeypatch):
    clock, joules = iter(range(100)), iter(range(0, 1000, 10))
    monkeypatch.setattr(energy, "time", SimpleNamespace(perf_counter=lambda: next(clock)))
    calls = []
    meter = EnergyMeter("nvml", [Counter(lambda: next(joules), 1.0, 2**64)])
    measured = meter.energy([5.0, 25.0, 55.0, 56.0], calls.append, range(4))
    assert (measured.train_j, measured.epoch_j, measured.source) == (51.0, [20.0, 30.0], "nvml")
    assert measured.predict_j_per_image == 10 / (len(calls) * 4)
    classical = meter.energy([5.0, 25.0], calls.append, range(4))
    assert (classical.train_j, classical.epoch_j) == (20.0, [])


def test_of_a_training_that_was_resumed_only_the_prediction_is_measured():
    meter = EnergyMeter("rapl", [Counter(lambda: 0, 1.0, 100)])
    measured = meter.energy([], lambda images: time.sleep(1), range(4))
    assert (measured.train_j, measured.epoch_j, measured.predict_j_per_image) == (None, [], 0.0)


@pytest.mark.parametrize(
    ("visible", "expected"), [(None, ["1"]), ("3,2", ["2"]), ("GPU-a,GPU-b", ["GPU-b"])]
)
def test_gpus_are_found_among_the_visible_ones(monkeypatch, visible, expected):
    asked = []
    nvml = SimpleNamespace(
        nvmlInit=lambda: None,
        nvmlDeviceGetHandleByIndex=lambda index: asked.append(str(index)) or index,
        nvmlDeviceGetHandleByUUID=lambda name: asked.append(name) or name,
        nvmlDeviceGetTotalEnergyConsumption=lambda handle: next(millijoules),
    )
    millijoules = iter([5000, 7500])
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    monkeypatch.setattr(energy, "_local_gpus", lambda: [1])
    meter = EnergyMeter.open(accelerator=True)
    assert asked == expected
    assert (meter.source, meter.read()) == ("nvml", 2.5)
