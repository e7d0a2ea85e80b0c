"""Acquire a dataset over the network, once, and keep it.

tensorflow-datasets does the work in a child process. What surrounds it here is
what can go wrong: no network, a stalled download, a folder that cannot be
written, a full disk, a second process doing the same. Each ends in a bounded
time with the dataset or with one line.
"""

import logging
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from filelock import FileLock, Timeout

from fmnist_jax.data import cache
from fmnist_jax.data.dataset import Dataset
from fmnist_jax.data.published import Published
from fmnist_jax.errors import DataError

log = logging.getLogger("fmnist_jax")

PROBE_SECONDS = 10.0  # until the network counts as absent
STALL_SECONDS = 120.0  # without a byte written; reading back takes about 10 s of them
TOTAL_SECONDS = 900.0
REPORT_SECONDS = 10.0  # between two lines of progress
SPACE = 250_000_000  # bytes; 31 MB downloaded, 42 MB prepared, 55 MB kept, twice for a moment


def acquire(published: Published, cache_dir: Path) -> Dataset:
    """Fetch and verify the dataset, and keep it in `cache_dir` if that can be written.

    Where another process is at it already, its result is awaited and taken.

    Raises:
        DataError: no network, no space, or not the published content.
    """
    require_network(published)
    try:
        cache_dir.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=cache_dir).close()
    except OSError as error:
        log.warning(
            "cannot keep %s in %s (%s), so the next run fetches it again: "
            "name a folder that can be written with %s",
            published.title,
            cache_dir,
            error.strerror,
            cache.CACHE_VARIABLE,
        )
        with _workplace(published, Path(tempfile.gettempdir())) as work:
            return fetch(published, work)
    with _alone(published, cache_dir):
        if dataset := cache.find(published, cache_dir):
            return dataset
        for leftover in cache_dir.glob(f"{published.name}.work-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        with _workplace(published, cache_dir) as work:
            dataset = fetch(published, work)
        try:
            cache.store(dataset, cache_dir)
        except OSError as error:
            log.warning("cannot keep %s in %s (%s)", published.title, cache_dir, error.strerror)
        return dataset


def require_network(published: Published) -> None:
    """Return once the publisher's server answered, within `PROBE_SECONDS`.

    Raises:
        DataError: it did not.
    """
    answer: queue.SimpleQueue[str] = queue.SimpleQueue()

    def ask() -> None:
        answer.put(_problem(published.urls[-1]))

    # Resolving a name cannot be given a timeout, so it happens in a thread that may be left behind.
    threading.Thread(target=ask, daemon=True).start()
    try:
        problem = answer.get(timeout=PROBE_SECONDS)
    except queue.Empty:
        problem = f"no answer within {PROBE_SECONDS:.0f} s"
    if problem:
        raise DataError(
            f"{published.title} is not in the cache and cannot be downloaded ({problem}): "
            f"{_by_hand(published)}"
        )


def _problem(url: str) -> str:
    """What stands between here and `url`, empty where nothing does."""
    # The client that tensorflow-datasets downloads with: the same proxies and certificates.
    import requests

    try:
        with requests.get(url, stream=True, timeout=PROBE_SECONDS) as response:
            return "" if response.ok else f"{url} answers HTTP {response.status_code}"
    except requests.exceptions.ProxyError:
        return "the proxy cannot be reached"
    except requests.exceptions.SSLError:
        return f"the certificate of {url} is not accepted"
    except requests.exceptions.Timeout:
        return f"no answer within {PROBE_SECONDS:.0f} s"
    except requests.exceptions.ConnectionError:
        return "no connection to the network"
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def fetch(published: Published, work: Path) -> Dataset:
    """Run tensorflow-datasets in a child process and return what it verified.

    Args:
        published: what to fetch.
        work: an empty folder for everything that it writes.

    Raises:
        DataError: it failed, or took too long.
    """
    if (free := shutil.disk_usage(work).free) < SPACE:
        raise DataError(
            f"{published.title} needs {SPACE // 10**6} MB in {work.parent}, where {free // 10**6} "
            f"MB are free: make room, or name another folder with {cache.CACHE_VARIABLE}"
        )
    log.info("downloading %s (%d MB) from %s", published.title, published.megabytes, published.url)
    problem = _run(published, work)
    dataset = None if problem else cache.find(published, work)
    if dataset is None:
        raise DataError(
            f"{published.title} could not be acquired ({problem or 'nothing came of it'}): "
            f"try again, or {_by_hand(published)}"
        )
    log.info("%s is complete and verified", published.title)
    return replace(dataset, origin="tfds")


def _run(published: Published, work: Path) -> str:
    """Run the child to its end or its deadline; what went wrong, empty if nothing."""
    command = [sys.executable, "-m", "fmnist_jax.data.tfds_child", published.name, str(work)]
    root = str(Path(__file__).parents[2])  # this package, wherever it was imported from
    path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    messages = work / "messages.txt"
    with messages.open("wb") as stderr:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            env={**os.environ, "PYTHONPATH": path},
        )
        try:
            if problem := _supervise(child, published, work):
                return problem
        finally:
            child.kill()
            child.wait()
    if child.returncode == 0:
        return ""
    lines = messages.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else f"the process ended with code {child.returncode}"


def _supervise(child: "subprocess.Popen[bytes]", published: Published, work: Path) -> str:
    """Wait for `child`; why it must be ended early, empty if it ended by itself."""
    start = progressed = reported = time.monotonic()
    size = 0
    while child.poll() is None:
        time.sleep(0.1)
        now = time.monotonic()
        if (grown := _bytes_in(work)) != size:
            size, progressed = grown, now
        if now - progressed > STALL_SECONDS:
            return f"no progress for {STALL_SECONDS:.0f} s"
        if now - start > TOTAL_SECONDS:
            return f"not done after {TOTAL_SECONDS:.0f} s"
        if now - reported > REPORT_SECONDS:
            reported = now
            log.info("%s: %d MB written, %.0f s", published.title, size // 10**6, now - start)
    return ""


def _bytes_in(folder: Path) -> int:
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.stat(os.path.join(parent, name)).st_size  # noqa: PTH116, PTH118
            except FileNotFoundError:  # renamed meanwhile
                continue
    return total


@contextmanager
def _workplace(published: Published, parent: Path) -> Iterator[Path]:
    try:
        folder = tempfile.TemporaryDirectory(
            prefix=f"{published.name}.work-", dir=parent, ignore_cleanup_errors=True
        )
    except OSError as error:
        raise DataError(
            f"no folder to work in, {parent} cannot be written ({error.strerror}): "
            f"name one that can with {cache.CACHE_VARIABLE}"
        ) from error
    with folder as name:
        yield Path(name)


@contextmanager
def _alone(published: Published, cache_dir: Path) -> Iterator[None]:
    """Hold the lock under which the dataset is acquired."""
    lock = FileLock(cache_dir / f"{published.name}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        log.warning(
            "another process is acquiring %s: waiting for it, %.0f minutes at most",
            published.title,
            TOTAL_SECONDS / 60 + 1,
        )
        try:
            lock.acquire(timeout=TOTAL_SECONDS + 60)
        except Timeout as error:
            raise DataError(
                f"another process still holds {lock.lock_file}: end it, or name another "
                f"folder with {cache.CACHE_VARIABLE}"
            ) from error
    try:
        yield
    finally:
        lock.release()


def _by_hand(published: Published) -> str:
    return (
        f"download the four files from {published.url} elsewhere into a folder and name it "
        "by --data-dir or FMNIST_DATA_DIR"
    )
