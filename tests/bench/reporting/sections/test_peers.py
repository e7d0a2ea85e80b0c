"""Ratios round by round, the best variant, and the table."""

from datetime import UTC, datetime
from io import StringIO

from bench.peers import schema
from bench.peers.frame import to_frame
from bench.peers.schema import Config, Entry, Optimizer, Samples
from bench.records import store
from bench.records.provenance import Provenance
from bench.records.schema import Code, Machine, Probe, Software
from bench.reporting.rendering.console import PlainConsole
from bench.reporting.rendering.formats import render, to_rows
from bench.reporting.section import get_sections
from bench.reporting.sections.peers import best_variant, ratios

(PEERS,) = get_sections(["peers"])
HOST = Provenance(
    machine=Machine(
        id="some-cpu-2c", cpu="Some CPU", cores=2, memory_bytes=1, accelerator=None,
        accelerator_count=0, driver=None, probe=Probe(matmul_flops=None, bandwidth_bytes=None),
    ),
    software=Software(
        **dict.fromkeys(Software.model_fields, "1") | {"jax_config": {}, "packages": {}}
    ),
    code=Code(version="0", commit=None, dirty=None),
    command="python -m bench peers",
)  # fmt: skip
CONFIG = Config(
    models=("cnn",), train_batches=(128,), predict_batches=(1,), rounds=3, images=5120,
    flip=False, threads=2, block_s={"train": 1.5, "predict": 0.4},
    optimizer=Optimizer(learning_rate=1e-3, betas=(0.9, 0.999), epsilon=1e-8),
)  # fmt: skip


def entry(name, framework, train, predict=(), status="ok", error=None):
    def samples(kind, batch, rates):
        return Samples(
            kind=kind, batch=batch, prepare_s=1.0,
            images=[r and 1000 for r in rates], seconds=[r and 1000 / r for r in rates],
        )  # fmt: skip

    made = [samples("train", 128, train)] if train else []
    made += [samples("predict", 1, predict)] if predict else []
    return Entry(
        model="cnn", name=name, framework=framework, variant=name, status=status, error=error,
        parameters=241_546, versions={framework: "1.2"}, samples=made,
    )  # fmt: skip


ENTRIES = (
    entry("fmnist-jax", "ours", [400, 200, 300], [5000, 5000, 5000]),
    entry("eager", "torch", [200, 100, 100], [1000, 1000, 1000]),
    entry("channels_last", "torch", [100, 200, 300], [500, 500, 500]),
    entry("compiled", "torch", [], status="skipped", error="no compiler"),
    entry("fit", "keras", [100, 50, None], status="failed", error="killed by SIGKILL"),
)


def comparison():
    started = datetime(2026, 1, 2, tzinfo=UTC)
    return schema.comparison(HOST, "abcd", started, CONFIG, ("flax",), ENTRIES)


def rows(folder=None):
    return to_rows(PEERS, to_frame([comparison()], folder))


def test_the_best_of_a_framework_is_chosen_per_measure():
    variants = [
        {("train", 128): [200, 100, 100], ("predict", 1): [1000, 1000, 1000]},
        {("train", 128): [100, 200, 300], ("predict", 1): [500, 500, 500]},
    ]
    best = best_variant(variants)
    assert best == {("train", 128): [100, 200, 300], ("predict", 1): [1000, 1000, 1000]}


def test_ratios_pair_the_rounds_and_leave_out_what_is_missing():
    assert ratios([400, 200, 300], [100, 50, None]) == [4, 4]


def test_the_table_shows_speeds_ratios_and_failures():
    console = PlainConsole(width=160, record=True, file=StringIO())
    console.print(render(PEERS, to_frame([comparison()]), "rich", 160))
    text = console.export_text()
    assert "cnn in other frameworks: 241,546 parameters, float32, some-cpu-2c" in text
    assert "300 (200–400)" in text
    assert "1.00× (1.00–4.00)" in text
    assert "0.20 ms (0.20–0.20)" in text
    assert "5.00× (5.00–5.00)" in text
    assert "compiled skipped: no compiler" in text
    assert "fit failed: killed by SIGKILL" in text
    assert "best of PyTorch" in text


def test_another_folders_comparison_is_published():
    assert not any(row["published"] for row in rows())
    assert all(row["published"] for row in rows("f" * 16))


def test_the_file_is_complete_and_no_run_of_a_case(tmp_path):
    path = schema.write(tmp_path, comparison())
    assert path == tmp_path / "some-cpu-2c" / "peers" / "20260102T000000Z-abcd.json"
    assert schema.Comparison.model_validate_json(path.read_bytes()) == comparison()
    assert comparison().versions == {"ours": "1.2", "torch": "1.2", "keras": "1.2"}
    assert list(store.read(tmp_path)) == []
