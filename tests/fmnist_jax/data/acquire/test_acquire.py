import os
import shutil
import signal
import socket
import tempfile
import threading
import time
from collections import namedtuple
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from fmnist_jax.data.acquire import acquire, cache, download, tfds_process
from fmnist_jax.data.acquire.source import IdxSource
from fmnist_jax.data.dataset import DATASETS, Dataset
from fmnist_jax.data.idx.card import FILES, DatasetCard
from fmnist_jax.errors import DataError
from tests.fmnist_jax.data.conftest import send
from tests.support.processes import gone
from tests.support.toy import Toy, flip, toy_dataset

ROOT = Path(__file__).parents[4]
Usage = namedtuple("Usage", "total used free")
Fetch = Callable[[DatasetCard, Path, Connection], str | None]


def fake_run(card: DatasetCard, work: Path) -> str:
    """In the place of the child process: toy has no server."""
    cache.store(toy_dataset(), work)
    return ""


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
    monkeypatch.setattr(tfds_process, "fetch", function)
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
    monkeypatch.setattr(tfds_process, "fetch", hangs)
    assert problem in refusal(cache_dir)
    assert gone([int((cache_dir / "pid").read_text())])


@pytest.mark.usefixtures("reachable")
def test_interruption_ends_the_child(cache_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tfds_process, "fetch", hangs)

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
    monkeypatch.setattr(tfds_process, "fetch", finds_the_disk_full)
    assert "Toy needs 250 MB" in refusal(cache_dir)
    monkeypatch.setattr(tfds_process, "fetch", exits)
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
