import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections import namedtuple
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from fmnist_jax.data.acquire import acquire, cache, download, tfds_child
from fmnist_jax.data.acquire.source import IdxSource
from fmnist_jax.data.dataset import DATASETS, Dataset
from fmnist_jax.data.idx.card import FILES, DatasetCard
from fmnist_jax.errors import DataError
from tests.fmnist_jax.data.conftest import send
from tests.support.processes import PATIENCE_S, gone, wait_for, workers
from tests.support.toy import Toy, flip, toy_dataset

ROOT = Path(__file__).parents[4]
Usage = namedtuple("Usage", "total used free")
Fetch = Callable[[DatasetCard, Path, Connection], str | None]


def fake_run(card: DatasetCard, work: Path) -> str:
    """In the place of the child process: toy has no server."""
    cache.store(toy_dataset(), work)
    return ""


@pytest.fixture
def cache_dir(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def reachable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acquire, "_problem", lambda url: "")


@pytest.fixture
def _toy_network(reachable: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "_run", fake_run)


def refusal(cache_dir: Path, source: IdxSource | None = None) -> str:
    with pytest.raises(DataError) as caught:
        (source or Toy()).load(None, cache_dir)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.usefixtures("_toy_network")
def test_acquired_once_then_served_from_the_cache(
    cache_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Toy().load(None, cache_dir)
    monkeypatch.setattr(acquire, "_problem", lambda url: "the network is not to be used")
    second = Toy().load(None, cache_dir)
    assert (first.origin, second.origin) == ("tfds", "cache")
    assert first.sha256 == second.sha256
    assert [p.suffix for p in cache_dir.iterdir() if p.suffix != ".lock"] == [".npz"]


@pytest.mark.usefixtures("_toy_network")
def test_damaged_copy_is_acquired_anew(cache_dir: Path, caplog: pytest.LogCaptureFixture) -> None:
    Toy().load(None, cache_dir)
    (path,) = cache_dir.glob("*.npz")
    flip(path, 3000)
    assert Toy().load(None, cache_dir).origin == "tfds"
    assert "set aside as" in caplog.text
    assert Toy().load(None, cache_dir).origin == "cache"
    assert path.with_name(f"{path.name}.corrupt").exists()


# No network


def test_connection_refused(cache_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")  # nothing listens there now
    line = refusal(cache_dir)
    assert "Toy is not in the cache and cannot be downloaded" in line
    assert "the proxy cannot be reached" in line
    assert "http://toy.invalid/files" in line
    assert "--data-dir" in line
    assert not cache_dir.exists()


def test_packets_dropped(cache_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acquire, "PROBE_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:  # connects, and never answers
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{server.getsockname()[1]}")
        assert "no answer within 0 s" in refusal(cache_dir)


def test_name_resolution_hangs(cache_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acquire, "PROBE_SECONDS", 0.5)
    refused = threading.Event()
    monkeypatch.setattr(acquire, "_problem", lambda url: refused.wait() and "")
    assert "no answer within" in refusal(cache_dir)  # while the resolver still hangs
    refused.set()


def test_the_bound_on_an_absent_network_is_below_20_seconds() -> None:
    assert acquire.PROBE_SECONDS <= 15


def test_server_refuses(cache_dir: Path, proxy) -> None:
    proxy(lambda handler, name: send(handler, b"", 503))
    assert f"http://toy.invalid/files/{FILES[3]}.gz answers HTTP 503" in refusal(cache_dir)


# The child process


def says_why(card: DatasetCard, work: Path, connection: Connection) -> str:
    return "ConnectionError: gone"


def exits(card: DatasetCard, work: Path, connection: Connection) -> None:
    os.write(2, b"Traceback\nterminate called\n")
    os._exit(3)


def is_killed(card: DatasetCard, work: Path, connection: Connection) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def does_nothing(card: DatasetCard, work: Path, connection: Connection) -> str:
    return ""


def finds_the_disk_full(card: DatasetCard, work: Path, connection: Connection) -> None:
    raise RuntimeError("No space left on device")


def hangs(card: DatasetCard, work: Path, connection: Connection) -> None:
    (work.parent / "pid").write_text(str(os.getpid()))
    time.sleep(100_000)


@pytest.mark.usefixtures("reachable")
@pytest.mark.parametrize(
    ("function", "problem"),
    [
        (says_why, "(ConnectionError: gone)"),
        (exits, "(exit code 3: terminate called)"),
        (is_killed, "(killed by SIGKILL (by hand, or by the system for want of memory))"),
        (does_nothing, "(nothing came of it)"),
    ],
)
def test_child_fails(
    cache_dir: Path, monkeypatch: pytest.MonkeyPatch, function: Fetch, problem: str
) -> None:
    monkeypatch.setattr(tfds_child, "fetch", function)
    line = refusal(cache_dir)
    assert f"Toy could not be acquired {problem}: try again, or fetch" in line
    assert not list(cache_dir.glob("*work*"))


@pytest.mark.usefixtures("reachable")
@pytest.mark.parametrize(
    ("bound", "problem"),
    [("STALL_SECONDS", "no progress for 0 s"), ("TOTAL_SECONDS", "not done after 0 s")],
)
def test_child_hangs(
    cache_dir: Path, monkeypatch: pytest.MonkeyPatch, bound: str, problem: str
) -> None:
    """The clock stands still until the child is at work."""

    def stop_at(folder: Path) -> int:
        if (cache_dir / "pid").exists():
            monkeypatch.setattr(download, bound, 0.0)
        return 0

    monkeypatch.setattr(download, "_bytes_in", stop_at)
    monkeypatch.setattr(tfds_child, "fetch", hangs)
    assert problem in refusal(cache_dir)
    assert gone([int((cache_dir / "pid").read_text())])


@pytest.mark.usefixtures("reachable")
def test_interruption_ends_the_child(cache_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tfds_child, "fetch", hangs)

    def interrupt(folder: Path) -> int:
        if (cache_dir / "pid").exists():
            raise KeyboardInterrupt
        return 0

    monkeypatch.setattr(download, "_bytes_in", interrupt)
    with pytest.raises(KeyboardInterrupt):
        Toy().load(None, cache_dir)
    assert gone([int((cache_dir / "pid").read_text())])
    assert not list(cache_dir.glob("*work*"))


def test_files_that_are_not_the_published_ones(cache_dir: Path, proxy) -> None:
    """tensorflow-datasets itself refuses them."""
    asked = proxy(lambda handler, name: send(handler, b"not what was published"))
    fashion = DATASETS["fashion_mnist"]()
    assert isinstance(fashion, IdxSource)
    assert "(NonMatchingChecksumError: " in refusal(cache_dir, fashion)
    assert all(url.startswith(fashion.card.url) for url in asked)
    assert not list(cache_dir.glob("*work*"))


# Folders and disks


@pytest.mark.usefixtures("_toy_network")
def test_unwritable_cache_is_done_without(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").touch()
    dataset = Toy().load(None, tmp_path / "file" / "cache")
    assert dataset.origin == "tfds"
    assert "so the next run fetches it again" in caplog.text
    assert "FMNIST_CACHE_DIR" in caplog.text


@pytest.mark.usefixtures("_toy_network")
def test_no_writable_folder_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "file"))
    assert "no folder to work in" in refusal(tmp_path / "file" / "cache")


@pytest.mark.usefixtures("_toy_network")
def test_too_little_space(cache_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**9, 10**9, 12_000_000))
    line = refusal(cache_dir)
    assert f"Toy needs 250 MB in {cache_dir}, where 12 MB are free" in line
    assert "FMNIST_CACHE_DIR" in line


@pytest.mark.usefixtures("reachable")
def test_disk_that_fills_up(cache_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tfds_child, "fetch", finds_the_disk_full)
    assert "Toy needs 250 MB" in refusal(cache_dir)
    monkeypatch.setattr(tfds_child, "fetch", exits)
    free = iter([10**9, 0])
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**9, 10**9, next(free)))
    assert "where 0 MB are free" in refusal(cache_dir)


@pytest.mark.usefixtures("_toy_network")
def test_disk_that_is_full_in_the_end(
    cache_dir: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store = cache.store

    def store_in_work_only(dataset: Dataset, folder: Path) -> Path:
        if folder == cache_dir:
            raise OSError(28, "No space left on device")
        return store(dataset, folder)

    monkeypatch.setattr(cache, "store", store_in_work_only)
    assert Toy().load(None, cache_dir).origin == "tfds"
    assert "No space left on device" in caplog.text


# Several processes

TOY_PROCESS = """
    import sys, time
    from pathlib import Path
    from fmnist_jax.data.acquire import acquire, cache, download, tfds_child
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
