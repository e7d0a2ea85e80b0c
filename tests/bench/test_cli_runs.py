"""Runs as a user starts them: real processes, their records, and what ends them early."""

import json
import os
import shutil
import signal
import subprocess
import sys

import psutil
import pytest

from tests.support.command_line import QUICK, one_line
from tests.support.processes import PATIENCE_S, find_worker


def test_a_run_its_records_its_table_and_a_second_run(bench, bench_here, tmp_path):
    results = tmp_path / "results"
    done = bench("run", "knn", "cnn", *QUICK, "--set=cnn.epochs=2", "--results", results)
    assert done.returncode == 0, done.stderr
    assert "SYNTHETIC DATA" in done.stdout
    assert "SYNTHETIC DATA" in done.stderr
    assert "epoch 2/2" in done.stderr
    assert "2 case(s) finished, 0 failed" in done.stdout

    records = {
        path.parent.name: json.loads(path.read_text()) for path in results.glob("*/*/*/*.json")
    }
    assert set(records) == {"knn", "cnn"}
    cnn = records["cnn"]
    assert cnn["run"]["status"] == "ok"
    assert len(cnn["time"]["epoch_s"]) == len(cnn["quality"]["history"]) == 2
    assert cnn["time"]["compile_s"] > 0
    assert sum(map(sum, cnn["quality"]["confusion"])) == 200
    assert {inference["batch"] for inference in cnn["throughput"]["inference"]} == {1, 100}
    kinds = {artifact["kind"] for artifact in cnn["artifacts"]}
    pictures = {"confusion", "mistakes", "reliability", "robustness", "curves", "gradcam"}
    assert kinds == {"predictions", "weights", "overlays", *pictures}
    assert cnn["quality"]["calibration"]["temperature"] > 0
    assert len(cnn["quality"]["robustness"]["accuracy"]) == 13
    assert cnn["explanations"][0]["method"] == "gradcam"
    assert records["knn"]["time"]["compile_s"] is None

    rows = json.loads(bench_here("table", "--results", results, "--format", "json").stdout)
    assert {row["model"] for row in rows} == {"knn", "cnn"}
    assert all(row["synthetic"] for row in rows)

    again = bench_here("run", "knn", "cnn", *QUICK, "--set=cnn.epochs=2", "--results", results)
    assert again.returncode == 0
    assert again.stderr.count("done already") == 2
    assert len(list(results.glob("*/*/*/*.json"))) == 2


def test_a_grid_goes_on_where_it_stopped_and_is_summarised(bench, bench_here, tmp_path):
    results, config = tmp_path / "results", tmp_path / "grid.toml"
    config.write_text("[grid.extra_tree]\nmax_depth = [3]\n[model.extra_tree]\nstandardise = true")
    done = bench("run", "--all", "--config", config, *QUICK, "--results", results)
    assert done.returncode == 0, done.stderr
    assert "Grid on synthetic" in done.stdout

    longer = "--set=grid.extra_tree.max_depth=[3, 6]"
    again = bench_here("run", "--all", "--config", config, *QUICK, longer, "--results", results)
    assert again.stderr.count("done already") == 1
    assert "extra_tree max_depth=6" in again.stderr
    (row,) = json.loads(bench_here("table", "--results", results, "--format", "json").stdout)
    assert (row["section"], row["configurations"], row["finished"]) == ("grid", 2, 2)
    assert list(results.glob("*/*/*/*.png")) == []


@pytest.fixture
def start(cache):
    """Start a run with a perceptron that would go on for hours."""

    def call(*arguments):
        return subprocess.Popen(
            [sys.executable, "-m", "bench", "run", *QUICK, *map(str, arguments),
             "--set=mlp.max_iter=1000000", "--set=mlp.hidden=[512,512]"],
            stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
            env=os.environ | {"FMNIST_CACHE_DIR": str(cache)},
        )  # fmt: skip

    return call


def test_a_worker_killed_mid_run_costs_its_own_record(start, tmp_path):
    results = tmp_path / "results"
    running = start("mlp", "knn", "--results", results)
    victim = find_worker(running.pid)
    victim.send_signal(signal.SIGKILL)
    out, err = running.communicate(timeout=PATIENCE_S)
    assert running.returncode == 1, err
    assert "SIGKILL" in out
    statuses = {
        path.parent.name: json.loads(path.read_text())["run"]["status"]
        for path in results.glob("*/*/*/*.json")
    }
    assert statuses == {"mlp": "failed", "knn": "ok"}


def test_ctrl_c_ends_in_130_with_the_case_recorded_and_nobody_left(start, tmp_path):
    results = tmp_path / "results"
    running = start("mlp", "--results", results)
    worker = find_worker(running.pid)
    os.killpg(running.pid, signal.SIGINT)
    _, err = running.communicate(timeout=PATIENCE_S)
    assert running.returncode == 130, err
    assert "interrupted; the cases that finished are kept" in err
    assert "Traceback" not in err, err
    assert not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE
    (path,) = results.glob("*/*/*/*.json")
    assert json.loads(path.read_text())["run"]["status"] == "interrupted"


def test_one_flipped_byte_is_one_line_and_exit_2(bench_here, tmp_path, fashion_dir, monkeypatch):
    folder = tmp_path / "data"
    shutil.copytree(fashion_dir, folder, copy_function=shutil.copyfile)
    path = folder / "t10k-images-idx3-ubyte.gz"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    monkeypatch.setenv("FMNIST_DATA_DIR", str(folder))
    done = bench_here("run", "knn", "--results", tmp_path / "r")
    assert "t10k-images-idx3-ubyte.gz" in one_line(done, 2)


def test_the_wrong_folder_is_one_line_and_exit_2(bench_here, tmp_path):
    folder = tmp_path / "empty"
    folder.mkdir()
    done = bench_here("run", "knn", "--data-dir", folder, "--results", tmp_path / "r")
    assert f"{folder} holds no" in one_line(done, 2)
