"""Training checkpoints: a run that is killed goes on from the last one, bit for bit.

Orbax writes each into a folder of its own and renames it when it is complete, so
that a kill in the middle leaves nothing that looks like a checkpoint. It does not
notice a damaged array or one of another shape, hence the two digests kept beside.

Heavy libraries are imported where they are used: a worker reads its `Checkpoints`
before it has been given its cores.
"""

import hashlib
import json
import logging
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from fmnist_jax.learner import Epoch
from fmnist_jax.training.origin import origin

if TYPE_CHECKING:
    from orbax.checkpoint import CheckpointManager

    from fmnist_jax.training.step import State

KEPT = 2  # the second serves where the first turns out to be damaged
Weights = tuple[Any, Any]  # params, statistics
log = logging.getLogger("fmnist_jax")


class Snapshot(NamedTuple):
    """All that the loop over epochs carries from one to the next.

    Attributes:
        state: of the training.
        chosen: the weights that would be returned if it ended here.
        history: of the epochs so far.
    """

    state: "State"
    chosen: Weights
    history: tuple[Epoch, ...] = ()


@dataclass(frozen=True)
class Checkpoints:
    """Where the checkpoints of one case lie, and how often one is made.

    Attributes:
        folder: absolute, for this case alone; its name is taken for the case's.
        every: epochs from one to the next.
    """

    folder: Path
    every: int

    def due(self, epoch: int) -> bool:
        """Whether one is to be made after `epoch`."""
        return epoch % self.every == 0

    def save(self, snapshot: Snapshot) -> None:
        """Write a checkpoint, and return when it is complete.

        One that cannot be written costs a warning and not the training.
        """
        import jax
        from orbax.checkpoint.args import Composite, JsonSave, StandardSave

        arrays = jax.device_get(snapshot._replace(history=()))
        history = [asdict(epoch) for epoch in snapshot.history]
        note = {
            "history": history,
            "origin": self._origin(arrays),
            "content": _content(arrays, history),
        }
        try:
            with _manager(self.folder, clean=True) as manager:
                manager.save(
                    len(history),
                    args=Composite(arrays=StandardSave(arrays), note=JsonSave(note)),
                )
        except Exception as error:  # of many kinds: the file system's, tensorstore's
            log.warning("cannot write a checkpoint to %s: %s", self.folder, _line(error))

    def restore(self, start: Snapshot) -> Snapshot:
        """The newest checkpoint that is whole and of this case, on the devices of `start`.

        The others are named in a warning and removed.

        Args:
            start: what to begin with where there is none.
        """
        if not self.folder.is_dir():
            return start
        logging.getLogger("asyncio").addFilter(_is_news)
        try:
            with _manager(self.folder) as manager:
                for number in sorted(manager.all_steps(), reverse=True):
                    try:
                        found = self._read(manager, number, start)
                    except Exception as error:  # whatever a damaged file can cause
                        path = self.folder / str(number)
                        log.warning("ignoring the checkpoint %s: %s", path, _line(error))
                        manager.delete(number)
                    else:
                        log.info("going on after epoch %d", number)
                        return found
        except Exception as error:
            log.warning("cannot read the checkpoints in %s: %s", self.folder, _line(error))
        return start

    def _read(self, manager: "CheckpointManager", number: int, start: Snapshot) -> Snapshot:
        import jax
        import numpy as np
        from orbax.checkpoint.args import Composite, JsonRestore, StandardRestore

        from fmnist_jax.training.placement import place

        like = start._replace(history=())
        note = manager.restore(number, args=Composite(note=JsonRestore())).note
        if note["origin"] != self._origin(like):
            raise ValueError("it is of another case, code, software or device")
        shapes = jax.tree.map(lambda leaf: np.empty(leaf.shape, leaf.dtype), like)
        arrays = manager.restore(number, args=Composite(arrays=StandardRestore(shapes))).arrays
        if note["content"] != _content(arrays, note["history"]):
            raise ValueError("it is damaged")
        placed = jax.tree.map(lambda array, leaf: place(array, leaf.sharding), arrays, like)
        return placed._replace(history=tuple(Epoch(**epoch) for epoch in note["history"]))

    def _origin(self, arrays: Snapshot) -> str:
        """A digest of what decides the bits of a run: a checkpoint of another is foreign."""
        import jax

        shapes = [
            (jax.tree_util.keystr(path), leaf.shape, str(leaf.dtype))
            for path, leaf in jax.tree.leaves_with_path(arrays)
        ]
        return origin(self.folder.name, shapes)


def _is_news(record: logging.LogRecord) -> bool:
    """False of what asyncio says of the other reads of a checkpoint, which orbax abandons
    when one fails: the failure itself is reported here, in one line."""
    return not record.getMessage().startswith("Task exception was never retrieved")


def _content(arrays: Snapshot, history: list[dict[str, Any]]) -> str:
    import jax

    digest = hashlib.sha256(json.dumps(history).encode())
    for leaf in jax.tree.leaves(arrays):
        digest.update(leaf.tobytes())
    return digest.hexdigest()


def _manager(folder: Path, *, clean: bool = False) -> "CheckpointManager":
    from orbax.checkpoint import CheckpointManager, CheckpointManagerOptions
    from orbax.checkpoint.options import MultiprocessingOptions

    # What is wrong with a checkpoint is said here, and in one line.
    logging.getLogger("absl").setLevel(logging.CRITICAL)
    options = CheckpointManagerOptions(
        max_to_keep=KEPT,
        # Of a run that was killed while it wrote. Done in the background, which only a save
        # waits for: begun by a restore, it could meet the next checkpoint in the making.
        cleanup_tmp_directories=clean,
        enable_async_checkpointing=False,  # writing beside an epoch would spoil its time
        # Of several hosts the first writes alone: without this it would wait for the others,
        # and a manager of some of the processes does not make its folder.
        multiprocessing_options=MultiprocessingOptions(active_processes={0}),
        create=False,
    )
    folder.mkdir(parents=True, exist_ok=True)
    return CheckpointManager(folder, options=options)


def _line(error: Exception) -> str:
    return str(error).partition("\n")[0] or type(error).__name__
