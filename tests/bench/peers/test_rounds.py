"""Workers that behave and workers that do not, in real processes."""

import multiprocessing

import pytest

from bench.peers import rounds as module
from bench.peers.protocol import Entrant, Measure, RunBlock, Setup
from bench.peers.rounds import compare
from tests.support.processes import PATIENCE_S

SETUP = Setup("resnet", parameters=10, images=20, cores=1)
MEASURES = [Measure("train", 10), Measure("predict", 1)]
BLOCK_S = {"train": 0.01, "predict": 0.001}


def fake(variant):
    return Entrant(variant, "fake", variant, "tests.support.peer_fakes")


def measured(*entrants, rounds=3, timeout=PATIENCE_S):
    said = []
    entries = compare(
        SETUP, entrants, MEASURES, rounds, said.append,
        block_s=BLOCK_S, prepare_timeout_s=timeout,
    )  # fmt: skip
    assert multiprocessing.active_children() == []
    return entries, said


def test_rounds_visit_everybody():
    entries, said = measured(fake("well"), fake("train-only"))
    assert [entry.status for entry in entries] == ["ok", "ok"]
    assert [len(entry.samples) for entry in entries] == [2, 1]
    for entry in entries:
        assert entry.parameters == 10
        assert entry.versions == {"fake": "1.0"}
        for samples in entry.samples:
            assert samples.prepare_s >= 0
            assert len(samples.images) == len(samples.seconds) == 3
            assert all(rate > 0 for rate in samples.images_per_s)
    assert len(said) == 2 + 3


def test_the_order_is_drawn_anew_for_each_measure_of_a_round(monkeypatch):
    asked, ask = [], module._ask

    def noted(participant, request, *rest):
        if isinstance(request, RunBlock):
            asked.append(participant.entrant.name)
        return ask(participant, request, *rest)

    monkeypatch.setattr(module, "_ask", noted)
    names = ["one", "two", "three"]
    entries, _ = measured(
        *(Entrant(name, "fake", "well", "tests.support.peer_fakes") for name in names)
    )
    assert [entry.name for entry in entries] == names
    orders = [tuple(asked[at : at + 3]) for at in range(0, len(asked), 3)]
    assert len(orders) == 3 * len(MEASURES)
    assert all(sorted(order) == sorted(names) for order in orders)
    assert len(set(orders)) > 2


@pytest.mark.parametrize(
    ("variant", "reason"),
    [
        ("raise", "RuntimeError: no such"),
        ("bigger", "11 parameters where resnet has 10"),
        ("diverge", "the loss became nan"),
    ],
)
def test_a_worker_that_raises_costs_only_itself(variant, reason):
    (bad, good), said = measured(fake(variant), fake("well"), rounds=1)
    assert bad.status == "failed"
    assert reason in bad.error
    assert good.status == "ok"
    assert any(f"{variant} failed: " in text for text in said)


def test_a_worker_that_dies_midway_keeps_its_samples():
    (bad, good), _ = measured(fake("die"), fake("well"), rounds=8)
    assert bad.status == "failed"
    assert bad.error.startswith("killed by SIGKILL")
    assert bad.samples[0].images_per_s[-1] is None
    assert None not in good.samples[0].images_per_s


def test_a_worker_that_hangs_is_stopped():
    (bad,), _ = measured(fake("hang"), timeout=0.5)
    assert bad.status == "failed"
    assert bad.error == "no answer within 0.5 s"


def test_a_variant_that_this_machine_cannot_run_is_skipped():
    (bad,), _ = measured(fake("unavailable"))
    assert (bad.status, bad.error) == ("skipped", "no compiler")
