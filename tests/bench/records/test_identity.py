"""What counts as the same run, and which results folder it belongs to."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.records import identity, store
from bench.records.pending import find_pending
from fmnist_jax.errors import UserError
from tests.support.factory import FOLDER, make_case, make_host, make_record

ROOT = Path(__file__).parents[3]
PRINT_ID = (
    "import sys; from pathlib import Path; from bench.records import store;"
    "sys.stdin.readline(); print(store.folder_id(Path(sys.argv[1])))"
)


def test_a_record_has_the_digest_of_its_run():
    case, host = make_case(n_neighbors=5), make_host()
    assert identity.digest_record(make_record(case, at=7)) == identity.digest_run(case, host)


def test_everything_that_changes_numbers_changes_the_digest():
    case, host = make_case(n_neighbors=5), make_host()

    def with_software(**changes):
        software = host.software.model_copy(update=changes)
        return host.model_copy(update={"software": software})

    runs = [
        (case, host),
        (make_case(n_neighbors=6), host),
        (make_case(n_neighbors=5, seed=1), host),
        (make_case(n_neighbors=5, dataset="mnist"), host),
        (case.model_copy(update={"dataset_sha256": "1" * 64}), host),
        (case, make_host(id="amd-zen5-2c")),
        (case, host.model_copy(update={"folder": "f" * 16})),
        (case, with_software(jax="0.11.0")),
        (case, with_software(lightgbm="4.7.0")),
        (case, with_software(xla_flags="--xla_cpu_enable_fast_math=true")),
        (case, with_software(jax_config={"jax_enable_x64": True})),
        (case, with_software(jax_config={"jax_default_prng_impl": "rbg"})),
    ]
    assert len({identity.digest_run(*run) for run in runs}) == len(runs)
    # The config and the machine decide the dtype; a run learns it later.
    assert identity.digest_run(case, with_software(compute_dtype="float32")) == (
        identity.digest_run(case, host)
    )


def test_a_grid_point_is_another_case_than_its_config_alone():
    config = make_case(n_neighbors=5).config
    point = {"n_neighbors": 5}
    assert identity.digest_config(config) != identity.digest_config(config, point)


def test_records_of_another_folder_are_never_done(tmp_path):
    case, host = make_case(), make_host()
    host = host.model_copy(update={"folder": store.folder_id(tmp_path)})
    store.write(tmp_path, make_record(case), {})  # as it comes with a clone
    unknown = make_record(case, host=host.model_copy(update={"folder": None}))
    store.write(tmp_path, unknown, {})  # as of schema 1
    assert find_pending([case], [host], tmp_path).todo == [case]
    own = store.write(tmp_path, make_record(case, host=host), {})
    assert find_pending([case], [host], tmp_path).done == [own]


def test_a_folder_keeps_its_identity(tmp_path):
    results = tmp_path / "not there yet"
    one = store.folder_id(results)
    assert store.folder_id(results) == one != store.folder_id(tmp_path / "another")
    assert len(one) == len(FOLDER)
    assert list(results.iterdir()) == [results / store.FOLDER_ID]


def test_runs_that_begin_at_once_agree(tmp_path):
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", PRINT_ID, tmp_path],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
        )
        for _ in range(3)
    ]  # fmt: skip
    for run in runs:
        run.stdin.write("\n")
        run.stdin.flush()
    assert len({run.communicate()[0] for run in runs} | {f"{store.folder_id(tmp_path)}\n"}) == 1


def test_whoever_comes_second_takes_the_identity_of_the_first(tmp_path, monkeypatch):
    real = Path.exists
    store.folder_id(tmp_path)
    before = (tmp_path / store.FOLDER_ID).read_text()
    # As if the file were not there when it is looked for, and there when it is made.
    monkeypatch.setattr(Path, "exists", lambda path: path.name != store.FOLDER_ID and real(path))
    assert store.folder_id(tmp_path) == before


def test_without_hard_links_a_folder_has_an_identity_too(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    assert store.folder_id(tmp_path) == store.folder_id(tmp_path)


def test_a_damaged_or_impossible_identity_is_one_line(tmp_path):
    (tmp_path / store.FOLDER_ID).touch()
    with pytest.raises(UserError, match=r"\.folder-id is damaged: delete it"):
        store.folder_id(tmp_path)
    with pytest.raises(UserError, match=r"cannot write to .*\.folder-id: Not a directory"):
        store.folder_id(tmp_path / store.FOLDER_ID / "results")


def test_git_does_not_take_the_identity_along():
    path = ROOT / "results" / store.FOLDER_ID
    assert subprocess.run(["git", "check-ignore", "-q", path], cwd=ROOT).returncode == 0
