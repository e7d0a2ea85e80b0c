"""The command line as a user meets it: real processes, exit codes, one-line errors."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
from functools import partial

import psutil
import pytest
import typer

from bench.__main__ import main
from bench.cli import app
from bench.plan.plan import Plan
from tests.support.processes import PATIENCE_S, find_worker, wait_for

QUICK = [
    "--dataset=synthetic",
    "--set=data.train_images=300",
    "--set=data.validation_images=100",
    "--set=data.test_images=200",
    "--progress=plain",
]


# typer asks for the shell's name, and does not look at the process that started it.
NAMED_SHELL = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}


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


@pytest.fixture
def bench_here(monkeypatch, capsys):
    """The command in this process, where starting it costs nothing."""
    handler = signal.getsignal(signal.SIGTERM)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["bench/__main__.py", *map(str, arguments)])
        code = main()
        out, err = capsys.readouterr()
        return subprocess.CompletedProcess(arguments, code, out, err)

    yield call
    signal.signal(signal.SIGTERM, handler)


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
        (["run", "knn", "--all"], "--all runs every model: give either names or --all"),
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
        (["table", "--results", "nosuch"], "nosuch does not exist: python -m bench run"),
        (["table", "--results", "/dev/null"], "the results folder /dev/null is not a folder"),
        (["compare", "--results", "nosuch"], "nosuch does not exist: python -m bench run"),
        (["compare", "zen", "--results", "tests"], "no record of machine 'zen' in"),
        (["table", "--results="], "Invalid value for '--results': an empty path was given"),
        (
            ["run", "knn", "--results", "~nobody-here/x"],
            "'~nobody-here/x': this home folder is",
        ),
        (["run", "knn", "--results", "x" * 300], "is not a path (File name too long)"),
        (
            ["run", "knn", "--data-dir", "/dev/null/x"],
            "data folder /dev/null/x is not a folder",
        ),
        (["run", "knn", "--config", "/"], "cannot read config /: Is a directory"),
        (["run", "knn", "--seeds", "1000000000"], "seeds: input should be less than or equal to"),
        (["run", "knn", "--jobs", "²"], "jobs: input should be"),
        (["run", "knn", "--timeout", "nan"], "timeout: input should be"),
    ],
)
def test_bad_usage_is_one_line_and_exit_2(bench_here, arguments, message):
    assert message in one_line(bench_here(*arguments), 2)


def test_help_and_list_answer_without_jax():
    code = (
        "import sys\n"
        "from bench.__main__ import main\n"
        "for arguments in (['--help'], ['list'], ['list', '--json'], ['run', '--help']):\n"
        "    sys.argv[1:] = arguments\n"
        "    assert main() == 0\n"
        "print({'jax', 'flax', 'sklearn'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "set()"


def test_home_is_written_out(bench_here, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    done = bench_here("table", "--results=~/x", "--format=json")
    assert f"{tmp_path}/home/x does not exist" in one_line(done, 2)
    assert list(tmp_path.iterdir()) == []


def test_every_verb_takes_debug_and_shows_its_defaults(bench_here, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    plan, help_ = Plan(), bench_here("run", "--help").stdout
    for field in ("dataset", "seeds", "jobs", "timeout", "retries"):
        assert f"[default: ({getattr(plan, field)})]" in help_
    assert "[default: results]" in help_
    for verb in typer.main.get_command(app).commands.values():
        assert any("--debug" in parameter.opts for parameter in verb.params), verb.name


def test_debug_shows_where_and_nothing_else_does(bench):
    done = bench("table", "--results=nosuch", "--debug")
    assert "Traceback" in done.stderr
    assert "UserError" in done.stderr


@pytest.mark.parametrize(("shell", "file"), [("bash", ".bash_completions/bench.sh"),
                                             ("zsh", ".zfunc/_bench")])  # fmt: skip
def test_a_completion_can_be_installed(bench, tmp_path, shell, file):
    done = bench(
        "--install-completion",
        shell,
        HOME=str(tmp_path),
        _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1",
    )
    assert done.returncode == 0, done.stderr
    assert "_BENCH_COMPLETE" in (tmp_path / file).read_text()


def test_a_completion_that_cannot_be_installed_is_one_line(bench, tmp_path):
    (tmp_path / "home").touch()
    done = bench(
        "--install-completion",
        "bash",
        HOME=str(tmp_path / "home"),
        _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1",
    )
    assert "the completion cannot be installed" in one_line(done, 2)


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("bench ru", "run"),
        ("bench run res", "resnet"),
        ("bench run --config smo", "smoke"),
        ("bench run --dataset synth", "synthetic"),
    ],
)
def test_names_are_completed(bench, words, offered):
    position = {"COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1)}
    done = bench(_BENCH_COMPLETE="complete_bash", **position)
    assert done.stdout.split() == [offered], done.stderr


def test_what_an_encoding_lacks_is_no_error(bench):
    done = bench("list", PYTHONIOENCODING="ascii", COLUMNS="40")
    assert done.returncode == 0, done.stderr
    assert done.stdout.isascii()


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_is_no_error(closed, tmp_path):
    command = f"{sys.executable} -m bench list --json {closed}"
    done = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    if ">&-" not in closed.replace("2>&-", ""):
        assert "resnet" in json.loads(done.stdout)["models"]


def test_a_reader_that_has_seen_enough_is_no_error():
    done = subprocess.run(
        f"{sys.executable} -u -m bench list --json | head -c 1",
        shell=True, capture_output=True, text=True,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("{", "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_is_130_without_a_traceback(number, tmp_path):
    """Here while a verb waits for its config, which is a pipe that nobody fills."""
    pipe = tmp_path / "config.toml"
    os.mkfifo(pipe)
    running = subprocess.Popen(
        [sys.executable, "-m", "bench", "run", "knn", "--config", pipe],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with running, wait_for(partial(open_for_a_reader, pipe), "the verb"):
        running.send_signal(number)
        out, err = running.communicate()
    assert (running.returncode, out, err) == (130, "", "")


def open_for_a_reader(pipe):
    """The pipe, open for writing, once somebody reads from it."""
    try:
        return os.fdopen(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK), "w")
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        return None


def test_list_json(bench):
    listed = json.loads(bench("list", "--json").stdout)
    assert "resnet" in listed["models"]
    assert "svm" in listed["baselines"]
    assert "perceptron" in listed["xiao2017"]
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
    pictures = {"confusion", "mistakes", "reliability", "robustness", "curves", "gradcam"}
    assert kinds == {"predictions", "weights", "overlays", *pictures}
    assert cnn["quality"]["calibration"]["temperature"] > 0
    assert len(cnn["quality"]["robustness"]["accuracy"]) == 13
    assert cnn["explanations"][0]["method"] == "gradcam"
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
