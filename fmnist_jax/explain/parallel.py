"""Share the images of a program out among the devices of this process."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, PartitionSpec


def over_devices(
    function: Callable[..., Any], in_axes: tuple[int | None, ...], out_axis: int
) -> Callable[..., Any]:
    """Return `function` with each device computing the result of its share of the images.

    To be called under `jit`. The processor's devices together use all of its cores, also
    for what XLA does in one thread: sorting, and arithmetic on few numbers. Not for LAPACK: two
    devices that are at a decomposition wait for each other without end (jaxlib 0.10.2).

    Args:
        function: of arrays, in which images do not mix.
        in_axes: the axis of each argument along which its images lie, a multiple of
            `device_count()` many; None where all devices get the whole.
        out_axis: that of each array of the result.
    """

    def spec(axis: int | None) -> PartitionSpec:
        return PartitionSpec() if axis is None else PartitionSpec(*[None] * axis, "devices")

    return jax.shard_map(
        function,
        mesh=Mesh(np.array(jax.local_devices()), ("devices",)),
        in_specs=tuple(map(spec, in_axes)),
        out_specs=spec(out_axis),
        check_vma=False,
    )


def device_count() -> int:
    """How many devices share the images."""
    return jax.local_device_count()
