"""Several processes that acquire the same dataset."""

import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from fmnist_jax.data.acquire import acquire
from tests.fmnist_jax.data.acquire.test_acquire import ROOT, refusal
from tests.fmnist_jax.data.conftest import send
from tests.support.processes import PATIENCE_S, wait_for, workers
from tests.support.toy import Toy

# Several processes

TOY_PROCESS = """
    import sys, time
    from pathlib import Path
    from fmnist_jax.data.acquire import acquire, cache, download, tfds_process
    from tests.support.toy import Toy, toy_dataset

    cache_dir, log, go = map(Path, sys.argv[1:])

    def run(published, work):
        with log.open("a") as file:
            file.write("run ")
        while not go.exists():
            time.sleep(0.05)
        cache.store(toy_dataset(), work)
        return ""

    acquire._problem = lambda url: ""
    download._run = run
    print(Toy().load(None, cache_dir).origin)
"""


def start(script: str, *arguments: object) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def finish(process: "subprocess.Popen[str]") -> str:
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return out.strip() + err


def test_processes_that_meet_acquire_once(cache_dir: Path, tmp_path: Path) -> None:
    log, go = tmp_path / "log", tmp_path / "go"
    first = start(TOY_PROCESS, cache_dir, log, go)
    wait_for(log.exists, "the first process at work")
    others = [start(TOY_PROCESS, cache_dir, log, go) for _ in range(2)]
    for process in others:
        assert process.stderr is not None
        assert "another process is acquiring Toy" in process.stderr.readline()
    go.touch()
    assert [finish(process)[:5].strip() for process in (first, *others)] == [
        "tfds", "cache", "cache",
    ]  # fmt: skip
    assert log.read_text() == "run "


@pytest.mark.usefixtures("_toy_network")
def test_killed_process_leaves_nothing_in_the_way(cache_dir: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    process = start(TOY_PROCESS, cache_dir, log, tmp_path / "never")
    wait_for(log.exists, "the process at work")
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert list(cache_dir.glob("*work*"))
    assert Toy().load(None, cache_dir).origin == "tfds"
    assert not list(cache_dir.glob("*work*"))


@pytest.mark.usefixtures("_toy_network")
def test_lock_of_another_user(
    cache_dir: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def deny(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(acquire.FileLock, "acquire", deny)
    assert Toy().load(None, cache_dir).origin == "tfds"
    assert "toy.lock (Permission denied): continuing without" in caplog.text


def test_child_ends_with_its_killed_parent(cache_dir: Path, proxy) -> None:
    def stall(handler, name: str) -> None:
        if len(asked) > 1:  # the first is the probe
            ended.wait()
        send(handler, b"")

    ended = threading.Event()
    asked = proxy(stall)
    process = start(
        """
        import sys
        from pathlib import Path
        from fmnist_jax.data.load import load
        load("fashion_mnist", cache_dir=Path(sys.argv[1]))
        """,
        cache_dir,
    )
    wait_for(lambda: len(asked) > 1, "the download")
    (grandchild,) = workers(process.pid)
    process.kill()
    process.communicate()
    grandchild.wait(timeout=PATIENCE_S)
    ended.set()


def test_wait_for_another_process_is_bounded(
    cache_dir: Path, reachable: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache_dir.mkdir()
    monkeypatch.setattr(acquire, "WAIT_SECONDS", 0.5)
    with acquire.FileLock(cache_dir / "toy.lock"):
        line = refusal(cache_dir)
    assert f"another process still holds {cache_dir / 'toy.lock'}" in line
