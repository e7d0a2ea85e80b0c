"""Define the record: all that is known of one run of one case.

A record stores raw samples; `bench/reporting/metrics/` derives the rest.
Missing is null, never 0. Other tools read this schema: its names are fixed,
and `upgrade.py` turns the records of an older schema into this one.
"""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveInt

from bench.records.quality import Quality

SCHEMA: Literal[2] = 2

Status = Literal["ok", "failed", "timeout", "oom", "diverged", "interrupted"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Run(_Part):
    """The run itself."""

    id: str
    started: datetime
    status: Status
    error: str | None = None
    contended: bool  # other work ran on the machine or on the run's cores
    resumed_from_epoch: int | None = None  # `time.total_s` covers only what came after it
    threads: int
    command: str
    folder: str | None = None  # identity of the results folder; null in records of schema 1
    seeds_together: PositiveInt | None = None  # trained in one program: times are a seed's share


class Case(_Part):
    """What was run."""

    model: str
    kind: Literal["flax", "sklearn", "keras", "pytorch"]
    dataset: str
    dataset_sha256: str
    synthetic: bool
    seed: int
    config: dict[str, Any]  # resolved in full
    config_hash: str  # digest of `config` and `point`
    recipe: str | None = None  # the plan's name for its settings; null: the models' defaults
    point: dict[str, Any] | None = None  # what the case's grid varies; null outside a grid

    @property
    def is_variant(self) -> bool:
        """Whether a recipe or a point of a grid set the model up."""
        return bool(self.recipe or self.point)


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
    """The hardware; of several hosts that train a network together, their sum."""

    id: str  # a slug of the hardware, never the host's name
    cpu: str
    microarchitecture: str | None = None  # archspec's name, since processors share model names
    cores: int
    memory_bytes: int
    accelerator: str | None
    accelerator_count: int
    driver: str | None
    probe: Probe


class Software(_Part):
    """Versions; null where a package is not installed.

    `jax_config` holds the JAX settings that change results and differ from their defaults;
    `packages` those that train this model alone and are no requirement of the suite.
    """

    python: str
    jax: str | None
    jaxlib: str | None
    flax: str | None
    optax: str | None
    numpy: str | None
    sklearn: str | None
    sklearnex: str | None
    lightgbm: str | None = None
    jax_config: dict[str, Any] = {}
    xla_flags: str | None
    compute_dtype: str | None
    packages: dict[str, str] = Field({}, exclude_if=lambda packages: not packages)


class Time(_Part):
    """Seconds per phase; `epoch_s` holds the training program alone, per epoch.

    A network's `fit_s` includes the epochs before a checkpoint, not its writing, and
    `teacher_s`, which its teachers took, in this run or in the one that asked them first;
    `total_s` covers only what this run did.
    """

    data_s: NonNegativeFloat | None = None
    compile_s: NonNegativeFloat | None = None
    compile_cached: bool | None = None
    initialise_s: NonNegativeFloat | None = None
    warmup_s: NonNegativeFloat | None = None
    fit_s: NonNegativeFloat | None = None
    teacher_s: NonNegativeFloat | None = None
    epoch_s: list[NonNegativeFloat] = []
    evaluate_s: NonNegativeFloat | None = None
    total_s: NonNegativeFloat | None = None


class Inference(_Part):
    """Seconds from uint8 images to probabilities on the host, call by call, after a warm-up."""

    batch: PositiveInt
    latency_s: list[NonNegativeFloat]


class Throughput(_Part):
    """Raw samples of speed: images/s per epoch (or per fit), and inference latencies."""

    train_images_per_s: list[NonNegativeFloat] = []
    inference: list[Inference] = []


class Energy(_Part):
    """Joules; null where the hardware does not measure them.

    `epoch_j` holds a training epoch with its validation, of a network that was not resumed.
    """

    train_j: float | None = None
    epoch_j: list[float] = []
    predict_j_per_image: float | None = None
    source: Literal["nvml", "rapl"] | None = None


class Target(_Part):
    """When a metric first reached a value, in seconds from the start of the fit."""

    metric: str
    value: float
    reached_s: float | None = None
    reached_epoch: int | None = None


class Costs(_Part):
    """Size and arithmetic of the model, and the peak memory of the run.

    Operations and bytes are of one image's forward pass; a training step, over all
    devices, takes `batch_size` images.
    """

    parameters: int | None = None
    trainable_parameters: int | None = None
    flops_per_image: int | None = None
    bytes_per_image: int | None = None
    batch_size: int | None = None
    peak_memory_bytes: int | None = None
    model_bytes: int | None = None


class Explanation(_Part):
    """One explanation method on test images; each faithfulness measure is null where undefined."""

    method: str
    layer: str | None
    images: int
    maps_per_s: float | None
    faithfulness: dict[str, float | None]


class Artifact(_Part):
    """A file beside the record; `path` is relative to the record's folder."""

    kind: str
    path: str
    sha256: str


class Record(_Part):
    """One run of one case, finished or not."""

    schema_: Literal[2] = SCHEMA
    run: Run
    case: Case
    code: Code
    machine: Machine
    software: Software
    time: Time = Time()
    throughput: Throughput = Throughput()
    energy: Energy = Energy()
    quality: Quality = Quality()
    target: Target
    cost: Costs = Costs()
    explanations: list[Explanation] = []
    artifacts: list[Artifact] = []

    # `schema` is the contract's name, and an attribute of BaseModel.
    model_config = ConfigDict(
        alias_generator=lambda field: field.rstrip("_"), populate_by_name=True
    )
