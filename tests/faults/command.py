"""Faults of the whole command, with real models: `python -m bench run` on few images."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager

from bench.processes import reaper
from bench.records import store
from fmnist_jax.system.process_tags import find_tagged
from tests.faults.registry import Seen, Skipped, fault
from tests.support import cutting_off
from tests.support.processes import PATIENCE_S, wait_for, workers

QUICK = (
    "--dataset=synthetic",
    "--set=data.train_images=300",
    "--set=data.validation_images=100",
    "--set=data.test_images=200",
    "--set=supplements=false",
    "--progress=plain",
)
ENDLESS = "--set=mlp.max_iter=1000000", "--set=mlp.hidden=[512,512]"


def bench(results, *arguments):
    """The command line of a run."""
    return [sys.executable, "-m", "bench", "run", *QUICK, "--results", str(results), *arguments]


def call(folder, *arguments, command=None):
    """Run to the end: exit code, and what was said on stderr."""
    done = subprocess.run(
        command or bench(folder / "results", *arguments),
        capture_output=True, text=True, timeout=PATIENCE_S, env=_environment(folder),
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stderr


@contextmanager
def started(folder, *arguments):
    """A run in a process group of its own, killed when it is done with."""
    with subprocess.Popen(
        bench(folder / "results", *arguments),
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        start_new_session=True, env=_environment(folder),
    ) as running:  # fmt: skip
        try:
            yield running
        finally:
            running.kill()


def _environment(folder):
    # The dataset is drawn once for all faults; what cannot be stored goes to TMPDIR.
    (folder / "tmp").mkdir(exist_ok=True)
    cache = folder.parent / "cache"
    return os.environ | {"FMNIST_CACHE_DIR": str(cache), "TMPDIR": str(folder / "tmp")}


def statuses(results):
    """Model and status of every record, sorted."""
    return sorted(
        (found.record.case.model, found.record.run.status) for found in store.read(results)
    )


def survivors(parent):
    """The processes that a command has started, by its mark; a function to ask later."""
    token = workers(parent)[0].environ()[reaper.TAG]

    def alive():
        return list(find_tagged(reaper.TAG, token))

    return alive


@fault("SIGKILL of a worker, with --retries 1")
def worker_killed(folder):
    with started(folder, "mlp", "knn", "--jobs", "1", "--retries", "1") as running:
        wait_for(lambda: workers(running.pid), "a worker")[0].kill()
        _, said = running.communicate(timeout=PATIENCE_S)
    assert running.returncode == 0, said
    expected = [("knn", "ok"), ("mlp", "failed"), ("mlp", "ok")]
    found = statuses(folder / "results")
    assert set(found) <= set(expected), found
    return Seen("recorded as failed, tried again, exit code 0", len(expected) - len(found))


@fault("SIGKILL of the parent")
def parent_killed(folder):
    results = folder / "results"
    with started(folder, "mlp", "knn", *ENDLESS) as running:
        wait_for(lambda: ("knn", "ok") in statuses(results), "the record of knn")
        alive = survivors(running.pid)
        assert alive(), "nothing was at work"
        running.kill()
        running.wait()
        wait_for(lambda: not alive(), "the end of what it had started")
    code, said = call(folder, "knn")
    assert code == 0, said
    assert "knn: done already" in said, said
    return Seen("no orphan; finished cases are not run again", 1 - len(statuses(results)))


@fault("two commands on one results folder")
def concurrent(folder):
    models = "mlp", "svm", "random_forest", "knn"
    with started(folder, *models, "--jobs", "1") as first:
        wait_for(lambda: workers(first.pid), "a worker")
        code, said = call(folder, *models, "--jobs", "1")
        assert code == 0, said
        first.communicate(timeout=PATIENCE_S)
    assert first.returncode == 0
    found = statuses(folder / "results")
    assert set(found) == {(model, "ok") for model in models}, found
    assert len(found) <= len(models), f"done twice: {found}"
    return Seen(f"{len(models)} cases shared, none done twice", len(models) - len(found))


@fault("SIGKILL of parent or worker at ten random moments, and resume", slow=True)
def killed_ten_times(folder):
    assert cutting_off.ends_the_same(folder, kills=10), "another history or other weights"
    return Seen("history and weights of an uninterrupted run, to the bit", 0)


def _politely(folder, number):
    results = folder / "results"
    with started(folder, "mlp", "knn", *ENDLESS) as running:
        wait_for(lambda: ("knn", "ok") in statuses(results), "the record of knn")
        alive = survivors(running.pid)
        os.killpg(running.pid, number)
        _, said = running.communicate(timeout=PATIENCE_S)
    assert running.returncode == 130, said
    assert alive() == []
    expected = [("knn", "ok"), ("mlp", "interrupted")]
    found = statuses(results)
    assert set(found) <= set(expected), found
    return Seen("exit code 130, no orphan, both cases recorded", len(expected) - len(found))


@fault("Ctrl-C")
def interrupted(folder):
    return _politely(folder, signal.SIGINT)


@fault("SIGTERM to the whole group")
def terminated(folder):
    return _politely(folder, signal.SIGTERM)


@fault("loss becomes NaN")
def diverges(folder):
    code, said = call(folder, "cnn", "knn", "--set=cnn.learning_rate=1e30")
    assert code == 1, said
    found = statuses(folder / "results")
    assert set(found) <= {("cnn", "diverged"), ("knn", "ok")}, found
    return Seen("recorded as diverged, exit code 1", 2 - len(found))


@fault("every attempt exceeds the memory limit, with --retries 1")
def never_fits(folder):
    code, said = call(folder, "knn", "--set=memory_limit=40MB", "--retries", "1")
    assert code == 1, said
    found = statuses(folder / "results")
    assert set(found) == {("knn", "oom")}, found
    return Seen("two attempts recorded as oom, exit code 1", 2 - len(found))


def _mounted(folder, options, *arguments):
    """Run on a small disk of its own, which vanishes with the command; its files are kept."""
    if not shutil.which("unshare"):
        raise Skipped("no unshare here")
    results, kept = folder / "results", folder / "kept"
    results.mkdir()
    mount = f"mount -t tmpfs -o {options} tmpfs {results}"
    alone = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    if subprocess.run([*alone, mount], capture_output=True).returncode:
        raise Skipped("mounting is not permitted here")
    run = shlex.join(bench(results, *arguments))
    script = f"{mount} && {{ {run}; code=$?; cp -r {results} {kept}; exit $code; }}"
    return *call(folder, command=[*alone, script]), kept


@fault("results folder on a read-only disk")
def read_only(folder):
    code, said, _ = _mounted(folder, "ro", "knn")
    assert code == 2, said
    (line,) = said.strip().splitlines()
    assert line.startswith("error: cannot write to the results folder"), line
    return Seen("one line, exit code 2, before any work", 0)


@fault("disk full after the first record")
def full(folder):
    models = "knn", "logistic_regression", "svm"
    whole = "--set=supplements=true"  # with its pictures a record has some 100 KiB
    code, said, kept = _mounted(folder, "size=200k", *models, whole, "--jobs", "1")
    assert code == 1, said
    assert "No space left on device; no further case is begun" in " ".join(said.split()), said
    assert "1 case(s) were not begun" in said, said
    (rescued,) = (folder / "tmp").glob("fmnist-jax-results-*")
    records = [*statuses(kept), *statuses(rescued)]
    assert len(statuses(kept)) == 1, (records, said)
    shutil.copytree(rescued, folder / "results", dirs_exist_ok=True)
    shutil.copytree(kept, folder / "results", dirs_exist_ok=True)
    code, said = call(folder, *models)
    assert code == 0, said
    assert said.count("done already") == 2, said
    return Seen("what does not fit is kept elsewhere, exit code 1", 2 - len(records))
