"""Connect to a Dask cluster that is there already, or start one of jobs in a site's queue."""

import logging
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bench.execution.cluster.executor import ClusterExecutor
from bench.execution.cluster.remote import Inspect
from bench.execution.cluster.workers import WorkerPool
from bench.measure.host import probe
from bench.records import store
from fmnist_jax.errors import UserError, nearest

_NAMES = "HTCondor", "LSF", "Moab", "OAR", "PBS", "SGE", "SLURM"
QUEUES = {name.lower(): f"{name}Cluster" for name in _NAMES}  # their classes in dask-jobqueue
INSTALL = "pip install -e '.[cluster]'"
CONNECT_S = 10.0
WORKERS_S = 10.0  # for a first one to be there


@contextmanager
def connected(
    where: str,
    results: Path,
    command: str,
    *,
    inspect: Inspect = probe.inspect,
    **options: Any,
) -> Iterator[ClusterExecutor]:
    """Connect to a cluster, or start one of jobs in a queue, which ends with the run.

    Args:
        where: the address of a Dask scheduler, or the kind of the queue.
        results: the results folder.
        command: for the records.
        inspect: makes the fingerprint of a machine, there.
        options: as of `ClusterExecutor`.

    Yields:
        The executor, once all workers that are connected have introduced themselves.

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
    with ExitStack() as stack:
        jobs = stack.enter_context(job_queue(where)) if where in QUEUES else None
        try:
            client = stack.enter_context(
                Client(jobs or where, timeout=CONNECT_S, set_as_default=False)
            )
        except (OSError, ValueError):
            raise UserError(
                f"no Dask scheduler answers at {where}: start one with dask scheduler"
            ) from None
        pool = WorkerPool(client, command, results.resolve(), store.folder_id(results), inspect)
        if jobs:
            jobs.scale(1)  # to see what it is like
        pool.wait(None if jobs else WORKERS_S)
        yield ClusterExecutor(client, pool, scale=jobs and jobs.scale, **options)


def job_queue(kind: str) -> Any:
    """Return Dask's cluster of jobs in the queue of this site, as its configuration describes it.

    Raises:
        UserError: dask-jobqueue, the queue or the configuration is missing.
    """
    if not find_spec("dask_jobqueue"):
        raise UserError(f"--cluster {kind} needs dask-jobqueue, which is not installed: {INSTALL}")
    import dask.config
    import dask_jobqueue

    cluster = getattr(dask_jobqueue, QUEUES[kind])
    submit = cluster.job_cls.submit_command
    if not shutil.which(submit):
        raise UserError(f"no {submit} here: run on a machine from which jobs are submitted")
    sizes = ["cores", "memory", *(["disk"] if kind == "htcondor" else [])]
    if missing := [size for size in sizes if not dask.config.get(f"jobqueue.{kind}.{size}", None)]:
        raise UserError(
            f"say how large a job is to be: {' and '.join(missing)} under jobqueue: {kind}: "
            "in ~/.config/dask/jobqueue.yaml"
        )
    return cluster()
