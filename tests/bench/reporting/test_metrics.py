import pytest

from bench.records.schema import Throughput
from bench.reporting import format
from bench.reporting.metric import all_metrics
from bench.reporting.metrics.throughput import train_images_per_s
from tests.support.factory import make_record


def test_every_metric_of_an_empty_record_is_none():
    record = make_record(status="failed")
    empty = type(record)(
        **{
            name: getattr(record, name)
            for name in ("run", "case", "code", "machine", "software", "target")
        }
    )
    assert {metric(empty) for metric in all_metrics().values()} == {None}


def test_a_single_sample_is_not_thrown_away_as_warm_up():
    record = make_record().model_copy(update={"throughput": Throughput(train_images_per_s=[7.0])})
    assert train_images_per_s(record) == 7.0


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0001234, "0.123 ms"), (0.5, "500 ms"), (3.21, "3.21 s"), (119, "119 s"), (307, "5 m 07 s")],
)
def test_seconds(value, text):
    assert format.seconds(value) == text
