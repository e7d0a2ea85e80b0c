"""Download a dataset: tensorflow-datasets in a child process, with deadlines of our own."""

import logging
import os
import shutil
import time
from dataclasses import replace
from pathlib import Path

from fmnist_jax.data.acquire import cache, tfds_process
from fmnist_jax.data.dataset import Dataset
from fmnist_jax.data.idx.card import DatasetCard
from fmnist_jax.errors import DataError
from fmnist_jax.system.child import Child, ChildError
from fmnist_jax.system.paths import CACHE_VARIABLE

log = logging.getLogger("fmnist_jax")

STALL_SECONDS = 120.0  # without a byte written; reading back takes about 10 s of them
TOTAL_SECONDS = 900.0
POLL_SECONDS = 0.2
REPORT_SECONDS = 10.0  # between two lines of progress
SPACE = 250_000_000  # bytes; 31 MB downloaded, 42 MB prepared, 55 MB kept, twice for a moment
FULL = 20_000_000  # bytes; with less than this left, a failure is put down to the disk


def fetch(card: DatasetCard, work: Path) -> Dataset:
    """Run tensorflow-datasets in a child process and return the dataset that it verified.

    Args:
        card: the dataset to fetch.
        work: an empty folder for everything that it writes.

    Raises:
        DataError: it failed, or took too long.
    """
    if (free := shutil.disk_usage(work).free) < SPACE:
        raise _no_space(card, work, free)
    log.info("downloading %s (%d MB) from %s", card.title, card.megabytes, card.url)
    problem = _run(card, work)
    dataset = None if problem else cache.find(card, work)
    if dataset is None:
        # Whatever the libraries make of a disk that filled up meanwhile, this is what happened.
        free = shutil.disk_usage(work).free
        if free < FULL or "No space left" in problem:
            raise _no_space(card, work, free)
        raise DataError(
            f"{card.title} could not be acquired ({problem or 'nothing came of it'})",
            f"try again, or {card.remedy}",
        )
    log.info("%s is complete and verified", card.title)
    return replace(dataset, origin="tfds")


def _no_space(card: DatasetCard, work: Path, free: int) -> DataError:
    return DataError(
        f"{card.title} needs {SPACE // 10**6} MB in {work.parent}, where {free // 10**6} MB "
        f"are free: make room, or name another folder with {CACHE_VARIABLE}"
    )


def _run(card: DatasetCard, work: Path) -> str:
    """Run the child to its end or its deadline; return what went wrong, empty if nothing."""
    start = progressed = reported = time.monotonic()
    size = 0
    with Child(tfds_process.fetch, card, work, hide_output=True) as child:
        while True:
            try:
                problem: str = child.receive(POLL_SECONDS).value
                return problem
            except ChildError as error:
                return str(error)
            except TimeoutError:
                now = time.monotonic()
            if (grown := _bytes_in(work)) != size:
                size, progressed = grown, now
            if now - progressed > STALL_SECONDS:
                return f"no progress for {STALL_SECONDS:.0f} s"
            if now - start > TOTAL_SECONDS:
                return f"not done after {TOTAL_SECONDS:.0f} s"
            if now - reported > REPORT_SECONDS:
                reported = now
                log.info("%s: %d MB written, %.0f s", card.title, size // 10**6, now - start)


def _bytes_in(folder: Path) -> int:
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.stat(os.path.join(parent, name)).st_size  # noqa: PTH116, PTH118
            except FileNotFoundError:  # renamed meanwhile
                continue
    return total
