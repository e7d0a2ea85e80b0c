"""Whose energy is read while a case trains."""

import pytest

from bench.measure import measure as measuring
from bench.measure.messages import new_task
from tests.support.factory import make_case, make_host


@pytest.mark.parametrize(
    ("kind", "accelerated", "asked"),
    [
        ("flax", True, [True]),
        ("flax", False, [False]),
        ("sklearn", True, [False]),
        ("pytorch", False, [False]),
        ("pytorch", True, []),  # it may use a GPU, of which the processor's counter knows nothing
        ("keras", True, []),
    ],
)
def test_energy_is_of_what_trains_the_model(monkeypatch, kind, accelerated, asked):
    of_accelerator = []
    monkeypatch.setattr(measuring.EnergyMeter, "open", of_accelerator.append)
    case = make_case("cnn").model_copy(update={"kind": kind})
    host = make_host(accelerator="Test GPU" if accelerated else None)
    measuring._open_meter(new_task(case, host, (0,)))
    assert of_accelerator == asked
