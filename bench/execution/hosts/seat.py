"""Which of the processes is this one, by the options or by what the scheduler says."""

import socket
from collections.abc import Sequence

from bench.measure.messages import Seat
from bench.records.schema import Case
from fmnist_jax.errors import UserError

AUTO = "auto"
_HINT = (
    "give --coordinator HOST:PORT --processes N --process-id I, "
    "or --coordinator auto under SLURM, Open MPI and on TPU pods"
)


def find(coordinator: str | None, processes: int | None, process_id: int | None) -> Seat | None:
    """The seat of this process; None for an ordinary run on this host alone.

    Args:
        coordinator: HOST:PORT of process 0, or auto.
        processes: how many there are; None: as the scheduler says.
        process_id: which one this is; None: as the scheduler says.

    Raises:
        UserError: something is missing that no scheduler says, or makes no sense.
    """
    if coordinator is None:
        if (processes, process_id) != (None, None):
            raise UserError(f"--processes and --process-id need a coordinator: {_HINT}")
        return None
    given = None if coordinator == AUTO else coordinator
    if None in (given, processes, process_id):
        # What jax.distributed.initialize would find, which says it to nobody else.
        from jax._src.clusters import ClusterEnv

        given, processes, process_id, _ = ClusterEnv.auto_detect_unset_distributed_params(
            given, processes, process_id, local_device_ids=(), cluster_detection_method=None,
            initialization_timeout=60,
        )  # fmt: skip
    if given is None or processes is None or process_id is None:
        raise UserError(f"cannot tell which process this is: {_HINT}")
    host, _, port = given.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 2**16:
        raise UserError(f"the coordinator {given!r} is not HOST:PORT")
    if not 0 <= process_id < processes:
        raise UserError(f"there is no process {process_id} among {processes}: they count from 0")
    return Seat(given, processes, process_id) if processes > 1 else None


def check(cases: Sequence[Case]) -> None:
    """Refuse what cannot be trained over several hosts.

    Raises:
        UserError: a model is no network.
    """
    for case in cases:
        if case.kind != "flax":
            raise UserError(
                f"{case.model} is no network and runs on one host: name the networks to be "
                "trained with --coordinator, and run the others without"
            )


def free_port() -> int:
    """A port of this host that is free now."""
    with socket.create_server(("", 0)) as server:
        return server.getsockname()[1]
