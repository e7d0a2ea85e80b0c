"""One training on the devices of several hosts: every process runs the same programs.

Each feeds its own devices. The numbers on which decisions hang, as when to stop, are
the same bits everywhere, so that nobody has to be told of them.
"""

from dataclasses import asdict
from typing import Any

import jax
import numpy as np
from flax.serialization import msgpack_restore, msgpack_serialize
from jax.experimental.multihost_utils import broadcast_one_to_all
from jax.sharding import Sharding

from fmnist_jax.history import Epoch
from fmnist_jax.training.state import Snapshot


def to_devices(tree: Any, sharding: Sharding) -> Any:
    """Arrays that every process holds in full, this process's part of them on its devices.

    `jax.device_put` would compare them over the network first.
    """

    def one(array: Any) -> jax.Array:
        return jax.make_array_from_callback(array.shape, sharding, lambda index: array[index])

    return jax.tree.map(one, tree)


def broadcast_from_first(snapshot: Snapshot) -> Snapshot:
    """The snapshot of process 0, which alone has checkpoints, on every process.

    It travels as bytes, since a broadcast is a sum over the processes: -0.0 would arrive as 0.0.
    """
    if jax.process_count() == 1:
        return snapshot
    leaves, structure = jax.tree.flatten(snapshot._replace(history=()))
    content = b""
    if jax.process_index() == 0:
        history = [asdict(epoch) for epoch in snapshot.history]
        content = msgpack_serialize({"leaves": jax.device_get(leaves), "history": history})
    size = int(broadcast_one_to_all(np.int32(len(content))))
    sent = broadcast_one_to_all(np.frombuffer(content.ljust(size, b"\0"), np.uint8))
    found = msgpack_restore(sent.tobytes())
    placed = [
        to_devices(array, leaf.sharding)
        for array, leaf in zip(found["leaves"], leaves, strict=True)
    ]
    return jax.tree.unflatten(structure, placed)._replace(
        history=tuple(Epoch(**epoch) for epoch in found["history"])
    )
