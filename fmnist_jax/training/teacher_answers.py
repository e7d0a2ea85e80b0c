"""Keep what teachers said, so that none of them is trained twice.

A training that was interrupted, and a second student of the same teachers, read it from a
file. The seconds that the teachers took lie beside it and count for each student.
"""

import hashlib
import io
import itertools
import logging
import time
from contextlib import suppress
from pathlib import Path

import jax
import numpy as np
import numpy.typing as npt

from fmnist_jax.data.augment import Augment, views
from fmnist_jax.data.dataset import Split
from fmnist_jax.system.files import write_atomically
from fmnist_jax.training.checkpoint import digest_origin
from fmnist_jax.training.teacher import Teacher, teach

MAX_BYTES = 2 * 10**9  # in a folder; the answers about 55,000 images in 18 views have 40 MB
log = logging.getLogger("fmnist_jax")


def ask(
    teacher: Teacher,
    augmentation: Augment,
    train: Split,
    validation: Split,
    folder: Path | None,
) -> tuple[npt.NDArray[np.float32], float]:
    """Return what `teach` does, and the seconds it took, now or when it was asked first.

    Args:
        teacher: as for `teach`, like the next three.
        augmentation: of the student.
        train: the images that are spoken of.
        validation: for the teachers.
        folder: where answers are kept; None keeps none. What cannot be read or written there
            costs a warning.
    """
    if folder is None or jax.process_count() > 1:  # all hosts must train, or none
        return _teach(teacher, augmentation, train, validation)
    data = hashlib.sha256(train.images.tobytes() + train.labels.tobytes())
    data.update(validation.images.tobytes() + validation.labels.tobytes())
    # How an answer is used does not change it.
    said = teacher.model_dump(exclude={"temperature", "weight"})
    key = digest_origin(said, views(augmentation), data.hexdigest())
    path = folder / f"{key[:16]}.npz"
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as kept:
            answers, seconds = kept["answers"], float(kept["seconds"])
        log.info("the teachers' answers are known; they took %.0f s", seconds)
        return answers, seconds
    except FileNotFoundError:
        pass
    except Exception as error:  # whatever a damaged file can cause
        log.warning("ignoring %s: %s", path, error)
    answers, seconds = _teach(teacher, augmentation, train, validation)
    _keep(path, answers, seconds)
    return answers, seconds


def _teach(
    teacher: Teacher, augmentation: Augment, train: Split, validation: Split
) -> tuple[npt.NDArray[np.float32], float]:
    began = time.perf_counter()
    answers = teach(teacher, augmentation, train, validation)
    return answers, time.perf_counter() - began


def _keep(path: Path, answers: npt.NDArray[np.float32], seconds: float) -> None:
    """Write the file and remove the oldest where there are too many."""
    content = io.BytesIO()
    np.savez(content, answers=answers, seconds=seconds)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content.getvalue())
    except OSError as error:
        log.warning("cannot keep the teachers' answers in %s: %s", path, error.strerror or error)
        return
    with suppress(FileNotFoundError):  # another process tidies up as well
        kept = sorted(path.parent.glob("*.npz"), key=lambda file: -file.stat().st_mtime)
        sizes = itertools.accumulate(file.stat().st_size for file in kept)
        for file, size in zip(kept, sizes, strict=True):
            if size > MAX_BYTES:
                file.unlink()
