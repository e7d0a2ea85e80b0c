"""Save and restore trainings: a run that is killed continues to the same bits.

Orbax writes each checkpoint into a folder of its own and renames it when it is complete, so
a kill in the middle leaves nothing that looks like a checkpoint. Orbax does not notice a
damaged array or one of another shape, so two digests are stored beside the arrays.

Orbax takes a second to import, so it is imported where it is used.
"""

import hashlib
import json
import logging
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

import fmnist_jax
from fmnist_jax.history import Checkpoints, Epoch
from fmnist_jax.training.program.placement import to_devices
from fmnist_jax.training.state import Snapshot

if TYPE_CHECKING:
    from orbax.checkpoint import CheckpointManager

MAX_KEPT = 2  # the second serves where the first is damaged
SOFTWARE = ("jax", "jaxlib", "flax", "optax")
log = logging.getLogger("fmnist_jax")


def is_due(checkpoints: Checkpoints, epoch: int) -> bool:
    """Whether a checkpoint is written after `epoch`."""
    return epoch % checkpoints.every == 0


def save(checkpoints: Checkpoints, snapshot: Snapshot) -> None:
    """Write a checkpoint, and return when it is complete.

    One that cannot be written is a warning; the training goes on.
    """
    from orbax.checkpoint.args import Composite, JsonSave, StandardSave

    arrays = jax.device_get(snapshot._replace(history=()))
    history = [asdict(epoch) for epoch in snapshot.history]
    note = {
        "history": history,
        "origin": _origin(checkpoints.folder, arrays),
        "content": _content(arrays, history),
    }
    try:
        with _manager(checkpoints.folder, clean=True) as manager:
            manager.save(
                len(history),
                args=Composite(arrays=StandardSave(arrays), note=JsonSave(note)),
            )
    except Exception as error:  # of many kinds: the file system's, tensorstore's
        log.warning("cannot write a checkpoint to %s: %s", checkpoints.folder, _line(error))


def restore(checkpoints: Checkpoints, start: Snapshot) -> Snapshot:
    """Return the newest checkpoint that is whole and of this case, on the devices of `start`.

    The others are named in a warning and removed.

    Args:
        checkpoints: where they lie.
        start: returned where there is none.
    """
    folder = checkpoints.folder
    if not folder.is_dir():
        return start
    logging.getLogger("asyncio").addFilter(_is_unrelated_to_reads)
    try:
        with _manager(folder) as manager:
            for number in sorted(manager.all_steps(), reverse=True):
                try:
                    snapshot = _read(manager, folder, number, start)
                except Exception as error:  # whatever a damaged file can cause
                    path = folder / str(number)
                    log.warning("ignoring the checkpoint %s: %s", path, _line(error))
                    manager.delete(number)
                else:
                    log.info("going on after epoch %d", number)
                    return snapshot
    except Exception as error:
        log.warning("cannot read the checkpoints in %s: %s", folder, _line(error))
    return start


def _read(manager: "CheckpointManager", folder: Path, number: int, start: Snapshot) -> Snapshot:
    """Read checkpoint `number`.

    Raises:
        ValueError: it belongs to another run or is damaged; other exceptions by orbax.
    """
    from orbax.checkpoint.args import Composite, JsonRestore, StandardRestore

    like = start._replace(history=())
    note = manager.restore(number, args=Composite(note=JsonRestore())).note
    if note["origin"] != _origin(folder, like):
        raise ValueError("it is of another case, code, software or device")
    shapes = jax.tree.map(lambda leaf: np.empty(leaf.shape, leaf.dtype), like)
    arrays = manager.restore(number, args=Composite(arrays=StandardRestore(shapes))).arrays
    if note["content"] != _content(arrays, note["history"]):
        raise ValueError("it is damaged")
    placed = jax.tree.map(lambda array, leaf: to_devices(array, leaf.sharding), arrays, like)
    return placed._replace(history=tuple(Epoch(**epoch) for epoch in note["history"]))


def _origin(folder: Path, arrays: Snapshot) -> str:
    """Return a digest of what decides the bits of a run: a checkpoint continues no other."""
    shapes = [
        (jax.tree_util.keystr(path), leaf.shape, str(leaf.dtype))
        for path, leaf in jax.tree.leaves_with_path(arrays)
    ]
    return digest_origin(folder.name, shapes)  # the name stands for the case


def digest_origin(*case: object) -> str:
    """Return a digest of what decides the bits of a training: the case, code, software, devices.

    Args:
        *case: whose `repr` tells one case from another.
    """
    parts = (
        *case,
        [metadata.version(name) for name in SOFTWARE],
        [device.device_kind for device in jax.devices()],
    )
    digest = hashlib.sha256(repr(parts).encode())
    for module in sorted(Path(fmnist_jax.__file__).parent.rglob("*.py")):
        digest.update(module.read_bytes())
    return digest.hexdigest()


def _content(arrays: Snapshot, history: list[dict[str, Any]]) -> str:
    """Return a digest of what a checkpoint holds."""
    digest = hashlib.sha256(json.dumps(history).encode())
    for leaf in jax.tree.leaves(arrays):
        digest.update(leaf.tobytes())
    return digest.hexdigest()


def _is_unrelated_to_reads(record: logging.LogRecord) -> bool:
    """Filter what asyncio says of the other reads of a checkpoint, which orbax abandons when
    one fails: the failure itself is reported here, in one line."""
    return not record.getMessage().startswith("Task exception was never retrieved")


def _manager(folder: Path, *, clean: bool = False) -> "CheckpointManager":
    from orbax.checkpoint import CheckpointManager, CheckpointManagerOptions
    from orbax.checkpoint.options import MultiprocessingOptions

    # Errors are reported here, in one line each.
    logging.getLogger("absl").setLevel(logging.CRITICAL)
    options = CheckpointManagerOptions(
        max_to_keep=MAX_KEPT,
        # Removes what a killed run left half written. Only on saving: orbax does it in the
        # background and waits for it in `save` alone, so a cleaning begun by `restore` could
        # remove the next checkpoint while it is being written.
        cleanup_tmp_directories=clean,
        enable_async_checkpointing=False,  # writing beside an epoch would spoil its time
        # Of several hosts the first writes alone; otherwise orbax would wait for the others.
        # A manager of some of the processes does not make its folder.
        multiprocessing_options=MultiprocessingOptions(active_processes={0}),
        create=False,
    )
    folder.mkdir(parents=True, exist_ok=True)
    return CheckpointManager(folder, options=options)


def _line(error: Exception) -> str:
    return str(error).partition("\n")[0] or type(error).__name__
