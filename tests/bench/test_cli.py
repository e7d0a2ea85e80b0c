"""The command line as a user meets it: exit codes, one-line errors, completion, streams."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from functools import partial

import pytest
import typer

from bench.cli import app
from bench.plan.plan import Plan
from tests.support.command_line import one_line
from tests.support.processes import wait_for


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


def test_every_verb_takes_debug_and_shows_its_defaults(bench_here):
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
        ("bench run kn", "knn"),
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
        time.sleep(1)  # it has opened the pipe, and may not have begun to read
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
