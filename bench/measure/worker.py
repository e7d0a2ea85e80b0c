"""Set up the process that measures a case: its cores, its JAX, where its messages go.

Nothing heavy is imported before the process has been given its cores, since thread
pools are sized when their library is loaded.
"""

import logging
import os
from multiprocessing.connection import Connection

from bench.measure.messages import Progress
from fmnist_jax.system.cpu import confine
from fmnist_jax.system.paths import default_cache_dir


def pin_to_cores(cores: tuple[int, ...], *, network: bool) -> None:
    """Confine this process, and the libraries that it is about to load, to some cores.

    Args:
        cores: the CPUs.
        network: a network is going to be trained here, on whatever devices JAX finds.
    """
    confine(cores)
    # XLA's remarks on the machine are not for the person who watches a table.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ["MPLCONFIGDIR"] = str(default_cache_dir() / "matplotlib")
    if network:
        # One device per core also spreads the elementwise work over all of them.
        set_up_jax(cpu_devices=len(cores))


def set_up_jax(*, cpu_devices: int = 1, platforms: str | None = None) -> None:
    """Configure JAX in this process, before it looks for devices.

    Args:
        cpu_devices: devices that the CPU is divided into.
        platforms: "cpu" for what must leave an accelerator to others.
    """
    import jax

    from fmnist_jax.training import jax_cache

    jax_cache.keep(default_cache_dir() / "compiled")
    jax.config.update("jax_num_cpu_devices", cpu_devices)
    if platforms:
        jax.config.update("jax_platforms", platforms)


def forward_messages(events: Connection) -> None:
    """Send log records and warnings to the parent, which owns the screen."""

    class Forward(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            events.send(Progress("", message=_first_line(record)))

    logging.captureWarnings(True)
    for name in ("fmnist_jax", "py.warnings"):
        logger = logging.getLogger(name)
        logger.handlers[:] = [Forward()]
        logger.setLevel(logging.INFO)
        logger.propagate = False


def _first_line(record: logging.LogRecord) -> str:
    """The message, or of a captured warning its text without the place in the source."""
    line = record.getMessage().partition("\n")[0].rstrip(":")
    return line.partition("Warning: ")[2] or line if record.name == "py.warnings" else line
