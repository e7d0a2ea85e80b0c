"""Find out which of the processes this one is, and what they can run."""

from collections.abc import Sequence

from bench.measure.hosts import Rank
from bench.plan.plan import Plan
from bench.records.schema import Case
from fmnist_jax.errors import UserError

AUTO = "auto"
_OPTIONS = (
    "give --coordinator HOST:PORT --processes N --process-id I, "
    "or --coordinator auto under SLURM, Open MPI and on TPU pods"
)


def find_rank(
    coordinator: str | None, processes: int | None, process_id: int | None
) -> Rank | None:
    """Resolve the options; return None for an ordinary run on this host alone.

    Args:
        coordinator: HOST:PORT of process 0, or auto.
        processes: their number; None: as the cluster's environment says.
        process_id: of this one; None: as the cluster's environment says.

    Raises:
        UserError: a value is not valid, or missing where no environment gives it.
    """
    if coordinator is None:
        if (processes, process_id) != (None, None):
            raise UserError(f"--processes and --process-id need a coordinator: {_OPTIONS}")
        return None
    address = None if coordinator == AUTO else coordinator
    if None in (address, processes, process_id):
        # The detection of jax.distributed.initialize, which does not return what it finds.
        from jax._src.clusters import ClusterEnv

        address, processes, process_id, _ = ClusterEnv.auto_detect_unset_distributed_params(
            address, processes, process_id, local_device_ids=(), cluster_detection_method=None,
            initialization_timeout=60,
        )  # fmt: skip
    if address is None or processes is None or process_id is None:
        raise UserError(f"cannot tell which process this is: {_OPTIONS}")
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 2**16:
        raise UserError(f"the coordinator {address!r} is not HOST:PORT")
    if not 0 <= process_id < processes:
        raise UserError(f"there is no process {process_id} among {processes}: they count from 0")
    return Rank(address, processes, process_id) if processes > 1 else None


def check_plan(plan: Plan, cases: Sequence[Case]) -> None:
    """Refuse what cannot run over several hosts.

    Raises:
        UserError: a model is not a network, or an option would have no effect.
    """
    for option in ("retries", "memory_limit"):
        if getattr(plan, option):
            raise UserError(f"{option} has no effect over several hosts: leave it out")
    for case in cases:
        if case.kind != "flax":
            raise UserError(
                f"{case.model} is no network and runs on one host: name the networks to be "
                "trained with --coordinator, and run the others without"
            )
