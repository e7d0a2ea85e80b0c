"""Place arrays on the devices of one or several hosts, and send values between hosts.

With several hosts every process runs the same program and feeds its own devices. The
numbers that decide when training stops are the same bits on every process, so they need
no communication.
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
    """Place arrays that every process holds in full.

    Each process places its own shards. `jax.device_put` would first compare the arrays
    of all processes over the network.

    Args:
        tree: of NumPy arrays, the same on every process.
        sharding: of each array, over the devices of all processes.
    """

    def one(array: Any) -> jax.Array:
        return jax.make_array_from_callback(array.shape, sharding, lambda index: array[index])

    return jax.tree.map(one, tree)


def broadcast_bytes(content: bytes = b"") -> bytes:
    """Return the content that process 0 passes; every process must call this.

    Args:
        content: of any length; ignored on the other processes.
    """
    size = int(broadcast_one_to_all(np.int32(len(content))))
    # Only process 0 contributes, but all have to pass the same shape.
    sent = np.frombuffer(content.ljust(size, b"\0")[:size], np.uint8)
    return broadcast_one_to_all(sent).tobytes()


def broadcast_from_first(snapshot: Snapshot) -> Snapshot:
    """Return the snapshot of process 0, the only process with checkpoints, on every process.

    The snapshot travels as bytes, because `broadcast_one_to_all` adds zeros from the
    other processes, which turns -0.0 into 0.0.
    """
    if jax.process_count() == 1:
        return snapshot
    leaves, structure = jax.tree.flatten(snapshot._replace(history=()))
    content = b""
    if jax.process_index() == 0:
        history = [asdict(epoch) for epoch in snapshot.history]
        content = msgpack_serialize({"leaves": jax.device_get(leaves), "history": history})
    restored = msgpack_restore(broadcast_bytes(content))
    placed = [
        to_devices(array, leaf.sharding)
        for array, leaf in zip(restored["leaves"], leaves, strict=True)
    ]
    return jax.tree.unflatten(structure, placed)._replace(
        history=tuple(Epoch(**epoch) for epoch in restored["history"])
    )
