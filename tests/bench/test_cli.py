"""The command line as a user meets it: real processes, exit codes, one-line errors."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import psutil
import pytest

QUICK = [
    "--dataset=synthetic",
    "--set=data.train_images=300",
    "--set=data.validation_images=100",
    "--set=data.test_images=200",
    "--progress=plain",
]


@pytest.fixture
def bench(tmp_path, cache):
    def call(*arguments, **environment):
        return subprocess.run(
            [sys.executable, "-m", "bench", *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=300,
            env=os.environ | {"FMNIST_CACHE_DIR": str(cache), "COLUMNS": "200"} | environment,
        )

    return call


def one_line(done, code):
    """The message of a command that ended as it should in an error."""
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("error: ")
    return last


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["rn"], "No such command 'rn'"),
        (["run"], "name the models to run, or give --all"),
        (["run", "knn", "--all"], "--all runs every model: name some, or give --all, not both"),
        (["run", "resnt"], "unknown model 'resnt': did you mean 'resnet'?"),
        (["run", "knn", "--dataset", "fashion"], "unknown dataset 'fashion'"),
        (["run", "knn", "--jobs", "-1"], "jobs: input should be greater than 0, got -1"),
        (
            ["run", "knn", "--seeds", "x"],
            "Invalid value for '--seeds': Input should be a valid integer",
        ),
        (["run", "knn", "--retries", "-1"], "retries: input should be greater than or equal to 0"),
        (["run", "knn", "--set", "memory_limit=lots"], "memory_limit: could not parse value"),
        (["run", "knn", "--config", "nosuch"], "no config"),
        (["run", "knn", "--set", "knn.k=3"], "unknown key 'knn.k'"),
        (["run", "knn", "--results", "/dev/null/x"], "cannot write to the results folder"),
        (["table", "--results", "nosuch"], "no results folder nosuch"),
    ],
)
def test_bad_usage_is_one_line_and_exit_2(bench, arguments, message):
    assert message in one_line(bench(*arguments), 2)


def test_help_and_list_answer_without_jax():
    for arguments in (["--help"], ["list"], ["list", "--json"], ["run", "--help"]):
        code = (
            f"import sys; from bench.cli import main; sys.argv[1:] = {arguments!r}; main(); "
            "sys.exit(bool({'jax', 'flax', 'sklearn'} & set(sys.modules)))"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def test_list_json(bench):
    listed = json.loads(bench("list", "--json").stdout)
    assert "resnet" in listed["models"]
    assert "svm" in listed["baselines"]
    assert "perceptron" in listed["historic"]
    assert "synthetic" in listed["datasets"]
    assert "smoke" in listed["configs"]


def test_a_run_its_records_its_table_and_a_second_run(bench, tmp_path):
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
    assert kinds == {"confusion", "mistakes", "curves", "gradcam", "weights"}
    assert records["knn"]["time"]["compile_s"] is None

    rows = json.loads(bench("table", "--results", results, "--format", "json").stdout)
    assert {row["model"] for row in rows} == {"knn", "cnn"}
    assert all(row["synthetic"] for row in rows)

    again = bench("run", "knn", "cnn", *QUICK, "--set=cnn.epochs=2", "--results", results)
    assert again.returncode == 0
    assert again.stderr.count("done already") == 2
    assert len(list(results.glob("*/*/*/*.json"))) == 2


def test_a_grid_goes_on_where_it_stopped_and_is_summarised(bench, tmp_path):
    results, config = tmp_path / "results", tmp_path / "grid.toml"
    config.write_text("[grid.extra_tree]\nmax_depth = [3]\n[model.extra_tree]\nstandardise = true")
    done = bench("run", "--all", "--config", config, *QUICK, "--results", results)
    assert done.returncode == 0, done.stderr
    assert "Grid on synthetic" in done.stdout

    longer = "--set=grid.extra_tree.max_depth=[3, 6]"
    again = bench("run", "--all", "--config", config, *QUICK, longer, "--results", results)
    assert again.stderr.count("done already") == 1
    assert "extra_tree max_depth=6" in again.stderr
    (row,) = json.loads(bench("table", "--results", results, "--format", "json").stdout)
    assert (row["grid"], row["configurations"], row["finished"]) == (True, 2, 2)
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
    time.sleep(2)
    victim.send_signal(signal.SIGKILL)
    out, err = running.communicate(timeout=200)
    assert running.returncode == 1, err
    assert "SIGKILL" in out
    statuses = {
        path.parent.name: json.loads(path.read_text())["run"]["status"]
        for path in results.glob("*/*/*/*.json")
    }
    assert statuses == {"mlp": "failed", "knn": "ok"}


def find_worker(parent):
    """The process of the longest case, which is started first."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        for child in psutil.Process(parent).children(recursive=True):
            try:
                if "spawn_main" in " ".join(child.cmdline()):
                    return child
            except psutil.Error:
                continue
        time.sleep(0.1)
    raise TimeoutError("no worker appeared")


def test_ctrl_c_ends_in_130_with_the_case_recorded_and_nobody_left(start, tmp_path):
    results = tmp_path / "results"
    running = start("mlp", "--results", results)
    worker = find_worker(running.pid)
    os.killpg(running.pid, signal.SIGINT)
    _, err = running.communicate(timeout=120)
    assert running.returncode == 130, err
    assert "interrupted; the cases that finished are kept" in err
    assert "Traceback" not in err, err
    assert not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE
    (path,) = results.glob("*/*/*/*.json")
    assert json.loads(path.read_text())["run"]["status"] == "interrupted"


def test_one_flipped_byte_is_one_line_and_exit_2(bench, tmp_path, fashion_dir):
    folder = tmp_path / "data"
    shutil.copytree(fashion_dir, folder, copy_function=shutil.copyfile)
    path = folder / "t10k-images-idx3-ubyte.gz"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    done = bench("run", "knn", "--results", tmp_path / "r", FMNIST_DATA_DIR=str(folder))
    assert "t10k-images-idx3-ubyte.gz" in one_line(done, 2)


def test_the_wrong_folder_is_one_line_and_exit_2(bench, tmp_path):
    folder = tmp_path / "empty"
    folder.mkdir()
    done = bench("run", "knn", "--data-dir", folder, "--results", tmp_path / "r")
    assert f"{folder} holds no" in one_line(done, 2)
