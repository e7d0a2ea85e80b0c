"""Keep a verified copy of each dataset between runs: one uncompressed .npz, named by its content.

`<name>-<sha256>.npz` is complete from the moment it appears, and it is checked
against its name and the published digests whenever it is read: a copy that is
damaged, or made from other bytes than those published, is never used.
"""

import io
import logging
from pathlib import Path

import numpy as np

from fmnist_jax.data.dataset import Dataset
from fmnist_jax.data.idx.card import DatasetCard, assemble, check
from fmnist_jax.system.files import write_atomically

log = logging.getLogger("fmnist_jax")


def find(card: DatasetCard, cache_dir: Path) -> Dataset | None:
    """Return the dataset from `cache_dir`, or None if no undamaged copy is there.

    A damaged copy is renamed `*.corrupt` and named in a warning.
    """
    try:
        paths = sorted(cache_dir.glob(f"{card.name}-*.npz"))
    except OSError as error:
        log.warning("cannot look into the cache %s (%s)", cache_dir, error.strerror)
        return None
    for path in paths:
        try:
            return _read(card, path)
        except FileNotFoundError:
            continue
        except PermissionError as error:
            log.warning("cannot read %s (%s): continuing without it", path, error.strerror)
        except Exception as error:  # damage makes zipfile and NumPy raise many kinds
            if dataset := _set_aside(card, path, error):
                return dataset
    return None


def _read(card: DatasetCard, path: Path) -> Dataset:
    # np.load leaves a damaged file open that it opened itself.
    with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
        arrays = (
            file["train_images"],
            file["train_labels"],
            file["test_images"],
            file["test_labels"],
        )
    for index, array in enumerate(arrays):
        check(card, index, array)
    dataset = assemble(card, arrays, "cache")
    if path.name.partition(".")[0] != f"{card.name}-{dataset.sha256}":
        raise ValueError("its content is not what its name says")
    return dataset


def _set_aside(card: DatasetCard, path: Path, error: Exception) -> Dataset | None:
    aside = path.with_name(f"{path.name}.corrupt")
    try:
        path.replace(aside)
    except FileNotFoundError:
        return None
    except OSError as failure:
        log.warning("%s is damaged (%s) and cannot be renamed: %s", path, error, failure.strerror)
        return None
    # Another process may have put a good copy there after this one read the damaged one.
    try:
        dataset = _read(card, aside)
        aside.replace(path)
        return dataset
    except Exception:
        log.warning("%s is damaged (%s): set aside as %s", path, error, aside.name)
        return None


def store(dataset: Dataset, cache_dir: Path) -> Path:
    """Keep `dataset` in `cache_dir` and return the path of the copy.

    Raises:
        OSError: it cannot be written; nothing is left behind.
    """
    path = cache_dir / f"{dataset.name}-{dataset.sha256}.npz"
    content = io.BytesIO()
    np.savez(
        content,
        train_images=dataset.train.images,
        train_labels=dataset.train.labels,
        test_images=dataset.test.images,
        test_labels=dataset.test.labels,
    )
    write_atomically(path, content.getvalue())
    return path
