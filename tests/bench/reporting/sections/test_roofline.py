import pytest

from bench.records.schema import Costs, Probe
from bench.reporting.frames import records_to_frame
from bench.reporting.rendering.formats import render
from bench.reporting.section import get_sections, tables
from tests.support.factory import make_case, make_host, make_record

(ROOFLINE,) = get_sections(["roofline"])


def network(flops, traffic, *, compile_s=3.0, cached=False, at=0):
    """A record of 300 images/s, where the machine reaches 1e11 FLOP/s and 1e10 bytes/s."""
    record = make_record(make_case("cnn"), at=at)
    cost = Costs(flops_per_image=flops, bytes_per_image=traffic, peak_memory_bytes=3 * 2**30)
    time = record.time.model_copy(update={"compile_s": compile_s, "compile_cached": cached})
    return record.model_copy(update={"cost": cost, "time": time})


def row(*records):
    (table,) = tables(ROOFLINE, records_to_frame(list(records)))
    (only,) = table.rows.to_dict("records")
    return only


@pytest.mark.parametrize(
    ("flops", "traffic", "binds"),
    [
        (80_000_000, 1_000_000, "arithmetic"),
        (8_000_000, 9_000_000, "memory"),
        (1_000, 1_000, "overhead"),
    ],
)
def test_what_binds(flops, traffic, binds):
    assert row(network(flops, traffic))["bottleneck"] == binds


def test_shares_are_of_what_the_machine_reached():
    made = row(network(50_000_000, 2_000_000))
    assert made["train_flops"] == pytest.approx(3 * 50e6 * 300)
    assert made["flops_share"] == pytest.approx(0.45)
    assert made["bandwidth_share"] == pytest.approx(3 * 2e6 * 300 / 1e10)


def test_without_a_probe_nothing_is_said():
    record = network(50_000_000, 2_000_000)
    host = make_host(probe=Probe(matmul_flops=None, bandwidth_bytes=None))
    made = row(record.model_copy(update={"machine": host.machine}))
    assert made["bottleneck"] is None


def test_cold_and_warm_starts_are_told_apart():
    made = row(network(1, 1, compile_s=4.0), network(1, 1, compile_s=0.5, cached=True, at=1))
    assert (made["compile_s"], made["compile_cached_s"]) == (4.0, 0.5)


def test_baselines_have_no_row():
    assert tables(ROOFLINE, records_to_frame([make_record()])) == []
    assert render(ROOFLINE, records_to_frame([make_record()]), "markdown") == ""
