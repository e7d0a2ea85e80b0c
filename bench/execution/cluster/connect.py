"""The way to a Dask cluster: one that is there already, or one of jobs in a site's queue."""

import logging
import secrets
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bench.execution.cluster import remote as node
from bench.execution.cluster.executor import ClusterExecutor
from bench.execution.cluster.workers import Crew
from bench.measure import machine
from bench.records import store
from fmnist_jax.errors import UserError, nearest

QUEUES = {
    "htcondor": "HTCondorCluster",
    "lsf": "LSFCluster",
    "moab": "MoabCluster",
    "oar": "OARCluster",
    "pbs": "PBSCluster",
    "sge": "SGECluster",
    "slurm": "SLURMCluster",
}
INSTALL = "pip install -e '.[cluster]'"
CONNECT_S = 5.0
WORKERS_S = 10.0  # for a first one to be there


@contextmanager
def connected(
    where: str,
    results: Path,
    command: str,
    *,
    inspect: node.Inspect = machine.inspect,
    **options: Any,
) -> Iterator[ClusterExecutor]:
    """Join a cluster, or start one of jobs in a queue, which ends with the run.

    Args:
        where: the address of a Dask scheduler, or the kind of the queue.
        results: the results folder.
        command: for the records.
        inspect: makes the fingerprint of a machine, there.
        options: as of `ClusterExecutor`.

    Yields:
        The executor, once all workers that are connected have told their machines.

    Raises:
        UserError: something is missing here, nothing answers, or no worker can be used.
    """
    if where not in QUEUES and ":" not in where:
        raise UserError(
            f"unknown cluster {where!r}: give a Dask scheduler's address, as in "
            f"tcp://host:8786, or the kind of a queue; {nearest(where, QUEUES)}"
        )
    if not find_spec("distributed"):
        raise UserError(f"--cluster needs Dask, which is not installed: {INSTALL}")
    from distributed import Client

    for name in ("distributed", "distributed.client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what matters is said here
    with ExitStack() as held:
        jobs = held.enter_context(job_queue(where)) if where in QUEUES else None
        try:
            client = held.enter_context(
                Client(jobs or where, timeout=CONNECT_S, set_as_default=False)
            )
        except (OSError, ValueError):
            raise UserError(
                f"no Dask scheduler answers at {where}: start one with dask scheduler"
            ) from None
        marker = results.resolve() / f".cluster-{secrets.token_hex(4)}"
        marker.touch()
        held.callback(marker.unlink, missing_ok=True)
        crew = Crew(client, command, store.folder_id(results), marker, inspect)
        if jobs:
            jobs.scale(1)  # to see what it is like
        crew.wait(None if jobs else WORKERS_S)
        yield ClusterExecutor(client, crew, scale=jobs and jobs.scale, **options)


def job_queue(kind: str) -> Any:
    """Dask's cluster of jobs in the queue of this site, as its own configuration describes it.

    Raises:
        UserError: dask-jobqueue, the queue or the configuration is missing.
    """
    if not find_spec("dask_jobqueue"):
        raise UserError(f"--cluster {kind} needs dask-jobqueue, which is not installed: {INSTALL}")
    import dask.config
    import dask_jobqueue

    made = getattr(dask_jobqueue, QUEUES[kind])
    submit = made.job_cls.submit_command
    if not shutil.which(submit):
        raise UserError(f"no {submit} here: run on a machine from which jobs are submitted")
    sizes = ["cores", "memory", *(["disk"] if kind == "htcondor" else [])]
    if missing := [size for size in sizes if not dask.config.get(f"jobqueue.{kind}.{size}", None)]:
        raise UserError(
            f"say how large a job is to be: {' and '.join(missing)} under jobqueue: {kind}: "
            "in ~/.config/dask/jobqueue.yaml"
        )
    return made()
