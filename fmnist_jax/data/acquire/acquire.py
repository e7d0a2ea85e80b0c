"""Acquire a dataset over the network, once, and keep it in the cache.

tensorflow-datasets does the work in a child process. This module handles what can go
wrong around it: no network, a stalled download, a folder that cannot be written, a full
disk, a second process that does the same. Each case ends in a bounded time with the
dataset or with an error of one line.
"""

import logging
import queue
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from fmnist_jax.data.acquire import cache
from fmnist_jax.data.acquire.download import TOTAL_SECONDS, fetch
from fmnist_jax.data.dataset import Dataset
from fmnist_jax.data.idx.card import DatasetCard
from fmnist_jax.errors import DataError
from fmnist_jax.system.paths import CACHE_VARIABLE

log = logging.getLogger("fmnist_jax")

PROBE_SECONDS = 10.0  # until the network counts as absent
WAIT_SECONDS = TOTAL_SECONDS + 60  # for another process that is acquiring the same


def acquire(card: DatasetCard, cache_dir: Path) -> Dataset:
    """Fetch and verify the dataset, and keep it in `cache_dir` if that can be written.

    If another process is acquiring the same dataset, wait for it and use its result.

    Raises:
        DataError: no network, no space, or not the published content.
    """
    check_network(card)
    try:
        cache_dir.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=cache_dir).close()
    except OSError as error:
        log.warning(
            "cannot keep %s in %s (%s), so the next run fetches it again: "
            "name a folder that can be written with %s",
            card.title,
            cache_dir,
            error.strerror,
            CACHE_VARIABLE,
        )
        with _temporary_folder(card, None) as work:
            return fetch(card, work)
    with _locked(card, cache_dir):
        if dataset := cache.find(card, cache_dir):
            return dataset
        for leftover in cache_dir.glob(f"{card.name}.work-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        with _temporary_folder(card, cache_dir) as work:
            dataset = fetch(card, work)
        try:
            cache.store(dataset, cache_dir)
        except OSError as error:
            log.warning("cannot keep %s in %s (%s)", card.title, cache_dir, error.strerror)
        return dataset


def check_network(card: DatasetCard) -> None:
    """Check that the publisher's server answers within `PROBE_SECONDS`.

    Raises:
        DataError: it does not.
    """
    answer: queue.SimpleQueue[str] = queue.SimpleQueue()

    def ask() -> None:
        answer.put(_problem(card.urls[-1]))

    # Name resolution takes no timeout, so it runs in a thread that may never end.
    threading.Thread(target=ask, daemon=True).start()
    try:
        problem = answer.get(timeout=PROBE_SECONDS)
    except queue.Empty:
        problem = f"no answer within {PROBE_SECONDS:.0f} s"
    if problem:
        raise DataError(
            f"{card.title} is not in the cache and cannot be downloaded ({problem})",
            card.remedy,
        )


def _problem(url: str) -> str:
    """Return why `url` cannot be reached; empty if it can."""
    # tensorflow-datasets downloads with the same client: the same proxies and certificates.
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


@contextmanager
def _temporary_folder(card: DatasetCard, parent: Path | None) -> Iterator[Path]:
    """Yield a temporary folder in `parent`, or in the system's folder for temporary files."""
    try:
        folder = tempfile.TemporaryDirectory(
            prefix=f"{card.name}.work-", dir=parent, ignore_cleanup_errors=True
        )
    except OSError as error:
        raise DataError(
            f"no folder to work in, {parent or 'the one for temporary files'} cannot be written "
            f"({error.strerror}): name one that can with {CACHE_VARIABLE}"
        ) from error
    with folder as name:
        yield Path(name)


@contextmanager
def _locked(card: DatasetCard, cache_dir: Path) -> Iterator[None]:
    """Hold the lock under which the dataset is acquired."""
    lock = FileLock(cache_dir / f"{card.name}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        log.warning(
            "another process is acquiring %s: waiting for it, %.0f minutes at most",
            card.title,
            WAIT_SECONDS / 60,
        )
        try:
            lock.acquire(timeout=WAIT_SECONDS)
        except Timeout as error:
            raise DataError(
                f"another process still holds {lock.lock_file}: end it, or name another "
                f"folder with {CACHE_VARIABLE}"
            ) from error
    except OSError as error:  # as of another user's lock; both then do the work
        log.warning("cannot lock %s (%s): continuing without", lock.lock_file, error.strerror)
    try:
        yield
    finally:
        lock.release()
