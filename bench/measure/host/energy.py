"""Measure energy where the hardware counts it: NVML on NVIDIA's GPUs, RAPL on CPUs.

Nothing is estimated: where neither can be read, there is no meter and the record says null.
RAPL counts what a whole processor takes, other programs included; NVML what a whole board does.
"""

import importlib
import logging
import os
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, NamedTuple

from bench.records.schema import Energy
from fmnist_jax.errors import in_one_line

POWERCAP = Path("/sys/class/powercap")
Source = Literal["nvml", "rapl"]
SHORTEST_S = 1.0  # NVML's counter moves in steps of some 10 ms: shorter regions say little
log = logging.getLogger("fmnist_jax")


class Counter(NamedTuple):
    """A counter of the hardware: `read() * unit` joules, starting again from 0 at `range`."""

    read: Callable[[], int]
    unit: float
    range: int


class EnergyMeter:
    """Adds up the joules that counters have counted since the meter was made.

    Args:
        source: of the counters; None measures nothing.
        reason: why there is no source.
        counters: one for each processor or board. One that starts again must be read at
            least once in between; a processor's takes some minutes at full load.
    """

    def __init__(
        self, source: Source | None, counters: Sequence[Counter] = (), reason: str = ""
    ) -> None:
        self.source, self.reason = source, reason
        self._counters = counters
        self._last = [counter.read() for counter in counters]
        self._joules = 0.0

    @classmethod
    def open(cls, accelerator: bool) -> "EnergyMeter":
        """Return a meter of what computes here; one without a source where nothing counts it.

        Args:
            accelerator: meter JAX's local GPUs in place of the processor.
        """
        try:
            counters = gpu_counters(_local_gpus()) if accelerator else processor_counters()
        except Exception as error:  # no right to read, no driver, no package, a virtual GPU
            return cls(None, reason=in_one_line(error))
        if not counters:
            return cls(None, reason=f"{POWERCAP} has no counter of a processor")
        return cls("nvml" if accelerator else "rapl", counters)

    def read(self) -> float | None:
        """Return the joules so far; None without a source, or once it cannot be read."""
        if self.source is None:
            return None
        try:
            now = [counter.read() for counter in self._counters]
        except Exception as error:  # NVML's errors are its own; no energy may cost a record
            log.warning("energy is no longer measured: %s", error)
            self.source = None
            return None
        for counter, last, value in zip(self._counters, self._last, now, strict=True):
            self._joules += (value - last) % counter.range * counter.unit
        self._last = now
        return self._joules

    def energy(
        self, training: Sequence[float | None], predict: Callable[[Any], object], images: Any
    ) -> Energy:
        """Return the energy of a training, and of predictions that fill two seconds.

        Args:
            training: readings at the start, after each epoch, and at the end; or none.
            predict: maps `images` to probabilities.
            images: [n, 28, 28].
        """
        start, calls, began = self.read(), 0, time.perf_counter()
        while self.source and time.perf_counter() - began < 2 * SHORTEST_S:
            predict(images)
            calls += 1
        end, joules = self.read(), [reading for reading in training if reading is not None]
        if start is None or end is None or len(joules) < len(training):
            return Energy()
        return Energy(
            train_j=joules[-1] - joules[0] if joules else None,
            epoch_j=[after - before for before, after in pairwise(joules[:-1])],
            predict_j_per_image=(end - start) / (calls * len(images)),
            source=self.source,
        )


def processor_counters(root: Path = POWERCAP) -> list[Counter]:
    """Return the counter of each processor package under Linux's power capping framework.

    Raises:
        PermissionError: many systems let only root read them.
    """
    counters = []
    for zone in sorted(root.glob("*rapl:*")):
        if (zone / "name").read_text().startswith("package"):
            path = zone / "energy_uj"
            limit = int((zone / "max_energy_range_uj").read_text())
            counters.append(Counter(partial(_read_number, path), 1e-6, limit + 1))
    return counters


def gpu_counters(indices: Sequence[int]) -> list[Counter]:
    """Return the counter of each GPU, by its index among those that this process may see.

    Raises:
        ImportError: nvidia-ml-py is not installed; NVML's own errors where it cannot serve.
    """
    nvml = importlib.import_module("pynvml")  # nvidia-ml-py's module
    nvml.nvmlInit()
    visible = [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name]

    def counter(index: int) -> Counter:
        name = visible[index].strip() if visible else str(index)
        handle: Any = (
            nvml.nvmlDeviceGetHandleByIndex(int(name))
            if name.isdecimal()
            else nvml.nvmlDeviceGetHandleByUUID(name)
        )
        return Counter(lambda: nvml.nvmlDeviceGetTotalEnergyConsumption(handle), 1e-3, 2**64)

    return [counter(index) for index in indices]


def _local_gpus() -> list[int]:
    """Return where JAX's GPUs of this process are among those that it may see.

    Raises:
        RuntimeError: several hosts train together, so that no process could count all of it.
    """
    import jax

    if jax.process_count() > 1:
        raise RuntimeError("the devices belong to several hosts")
    return [device.local_hardware_id or 0 for device in jax.local_devices()]


def _read_number(path: Path) -> int:
    return int(path.read_text())
