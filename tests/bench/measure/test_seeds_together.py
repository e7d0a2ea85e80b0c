"""Seeds that one program trains, measured as each would be alone."""

import numpy as np
import pytest

from bench.measure import measure as measuring
from bench.measure.measure import measure
from bench.measure.messages import Measured, new_task
from fmnist_jax.data import load as loading
from tests.support.factory import make_case, make_host
from tests.support.small_data import small_dataset

DATASET = small_dataset(per_class=30, synthetic=True)
IMAGES = {"train_images": 200, "validation_images": 50, "test_images": 40}


class Events(list):
    send = list.append


def make_dense(seed, seeds_together=1):
    hyper = {"epochs": 2, "batch_size": 50, "hidden": [16], "seeds_together": seeds_together}
    case = make_case("dense", seed=seed, dataset="synthetic", **hyper)
    data = case.config["data"] | IMAGES
    config = case.config | {"data": data}
    return case.model_copy(
        update={"kind": "flax", "config": config, "dataset_sha256": DATASET.sha256}
    )


def measured(events):
    return [event.record for event in events if isinstance(event, Measured)]


@pytest.fixture(autouse=True)
def _in_this_process(monkeypatch):
    monkeypatch.setattr(measuring, "forward_messages", lambda events: None)
    monkeypatch.setattr(loading, "load", lambda *_: DATASET)


def test_each_seed_has_the_record_that_it_has_alone():
    events, cases = Events(), [make_dense(seed, seeds_together=2) for seed in (5, 6)]
    outcome = measure(
        new_task(cases[0], make_host(), (0, 1), supplements=False, beside=tuple(cases[1:])), events
    )
    assert outcome.record.run.status == "ok", outcome.record.run.error
    together = measured(events)
    assert [record.case.seed for record in together] == [5, 6]
    assert len({record.run.id for record in together}) == 2
    for record in together:
        alone = Events()
        measure(
            new_task(make_dense(record.case.seed), make_host(), (0, 1), supplements=False), alone
        )
        (expected,) = measured(alone)
        losses, expected_losses = (
            [point.validation_loss for point in each.quality.history] for each in (record, expected)
        )
        np.testing.assert_allclose(losses, expected_losses, rtol=1e-4)
        assert record.quality.test_loss == pytest.approx(expected.quality.test_loss, rel=1e-4)
        assert (record.run.seeds_together, expected.run.seeds_together) == (2, None)
        assert record.energy.train_j is None  # of all of them, not of one
        assert record.throughput.inference
        # A share of the epochs' seconds, all of the compiling.
        assert record.time.fit_s == pytest.approx(together[0].time.fit_s)
        assert record.time.compile_s == together[0].time.compile_s
