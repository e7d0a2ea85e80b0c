import time

import pytest

from bench.measure.clock import Clock, sample


def test_a_phase_is_the_last_of_its_name_and_survives_an_error():
    clock = Clock()
    with clock.phase("a"):
        time.sleep(0.5)

    def fail():
        time.sleep(0.02)
        raise RuntimeError

    with pytest.raises(RuntimeError), clock.phase("a"):
        fail()
    assert 0.02 <= clock.seconds["a"] <= clock.total - 0.5


def test_sample_warms_up_once_and_respects_its_bounds():
    calls = []
    assert len(sample(lambda: calls.append(1), least=3, most=7, budget_s=10.0)) == 7
    assert len(calls) == 8
    assert len(sample(lambda: time.sleep(0.01), least=3, budget_s=0.0)) == 3
