"""The record: all that is known of one run of one case.

Raw samples are stored and everything derivable is derived in `metrics.py`.
Missing is null, never 0. Other tools read this schema: its names are fixed.
"""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

SCHEMA: Literal[1] = 1

Status = Literal["ok", "failed", "timeout", "oom", "diverged", "interrupted"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Run(_Part):
    """The run itself.

    Attributes:
        contended: other work of the suite ran beside it, or that of others on its cores.
        resumed_from_epoch: of a run that went on from a checkpoint: the epochs up
            to here, and their times, are those of a process that was cut off, and
            `time.total_s` covers only what came after.
    """

    id: str
    started: datetime
    status: Status
    error: str | None = None
    contended: bool
    resumed_from_epoch: int | None = None
    threads: int
    command: str


class Case(_Part):
    """What was run; `config` is resolved in full and `config_hash` its digest."""

    model: str
    kind: Literal["flax", "sklearn"]
    dataset: str
    dataset_sha256: str
    seed: int
    config: dict[str, Any]
    config_hash: str

    @property
    def point(self) -> dict[str, Any] | None:
        """The hyper-parameters that its grid varies; None for a case of no grid."""
        return self.config.get("grid")


class Code(_Part):
    """The suite's own version; commit and dirty are null outside a checkout."""

    version: str
    commit: str | None
    dirty: bool | None


class Probe(_Part):
    """What all devices reached just before, FLOP/s (bfloat16 on an accelerator) and bytes/s."""

    matmul_flops: float | None
    bandwidth_bytes: float | None


class Machine(_Part):
    """The hardware. `id` is a slug of it, never the host's name.

    Of a network trained over several hosts the cores, memory, accelerators and probes
    are added up; prediction and peak memory are those of the first host alone.
    """

    id: str
    cpu: str
    cores: int
    memory_bytes: int
    accelerator: str | None
    accelerator_count: int
    driver: str | None
    probe: Probe


class Software(_Part):
    """Versions; null where a package is not installed."""

    python: str
    jax: str | None
    jaxlib: str | None
    flax: str | None
    optax: str | None
    numpy: str | None
    sklearn: str | None
    sklearnex: str | None
    xla_flags: str | None
    compute_dtype: str | None


class Time(_Part):
    """Seconds per phase; `epoch_s` holds the training program alone, per epoch.

    `fit_s` of a network is all of its training, also that before a checkpoint from
    which it went on, without the writing of checkpoints.
    """

    data_s: float | None = None
    compile_s: float | None = None
    compile_cached: bool | None = None
    warmup_s: float | None = None
    fit_s: float | None = None
    epoch_s: list[float] = []
    evaluate_s: float | None = None
    total_s: float | None = None


class Inference(_Part):
    """Seconds from uint8 images to probabilities on the host, call by call, after a warm-up."""

    batch: int
    latency_s: list[float]


class Throughput(_Part):
    """Raw samples of speed: images/s per epoch (or per fit), and inference latencies."""

    train_images_per_s: list[float] = []
    inference: list[Inference] = []


class HistoryPoint(_Part):
    """One epoch; losses are mean cross-entropy in nats, accuracies in [0, 1]."""

    epoch: int
    train_loss: float
    train_accuracy: float
    validation_loss: float
    validation_accuracy: float
    elapsed_s: float


class Quality(_Part):
    """What the model learned; rows of `confusion` are true classes."""

    test_accuracy: float | None = None
    test_loss: float | None = None
    validation_accuracy: float | None = None
    confusion: list[list[int]] | None = None
    history: list[HistoryPoint] = []


class Target(_Part):
    """When a metric first reached a value, in seconds from the start of the fit."""

    metric: str
    value: float
    reached_s: float | None = None


class Costs(_Part):
    """Size and arithmetic of the model, and the peak memory of the run.

    Operations and bytes are of one image's forward pass; `batch_size` is what a
    step trained with, over all devices.
    """

    parameters: int | None = None
    trainable_parameters: int | None = None
    flops_per_image: int | None = None
    bytes_per_image: int | None = None
    batch_size: int | None = None
    peak_memory_bytes: int | None = None
    model_bytes: int | None = None


class Artifact(_Part):
    """A file beside the record; `path` is relative to the record's folder."""

    kind: str
    path: str
    sha256: str


class Record(_Part):
    """One run of one case, finished or not."""

    schema_: Literal[1] = SCHEMA
    run: Run
    case: Case
    code: Code
    machine: Machine
    software: Software
    time: Time = Time()
    throughput: Throughput = Throughput()
    quality: Quality = Quality()
    target: Target
    cost: Costs = Costs()
    artifacts: list[Artifact] = []

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        # `schema` is the contract's name, and an attribute of BaseModel.
        alias_generator=lambda field: field.rstrip("_"),
        populate_by_name=True,
    )
