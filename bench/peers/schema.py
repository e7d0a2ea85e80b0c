"""The file of a comparison: raw samples and all that they depend on; ratios are derived."""

import logging
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from bench.peers.protocol import Kind
from bench.records.provenance import Provenance
from bench.records.schema import Code, Machine, Software
from fmnist_jax.errors import UserError
from fmnist_jax.system.files import write_atomically

FOLDER = "peers"
log = logging.getLogger("fmnist_jax")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Optimizer(_Part):
    """The same for all."""

    name: Literal["adam"] = "adam"
    learning_rate: float
    betas: tuple[float, float]
    epsilon: float


class Config(_Part):
    """What was compared; `images` are held by every worker, `block_s` is aimed at."""

    models: tuple[str, ...]
    train_batches: tuple[int, ...]
    predict_batches: tuple[int, ...]
    rounds: int
    images: int
    dtype: Literal["float32"] = "float32"
    flip: bool
    optimizer: Optimizer
    threads: int
    block_s: dict[Kind, float]


class Samples(_Part):
    """One measure of one entrant.

    Attributes:
        kind: train or predict.
        batch: images per step or call.
        prepare_s: seconds up to the end of the first step or call, compiling included.
        images: per round; null where the round is missing.
        seconds: per round, likewise.
    """

    kind: Kind
    batch: int
    prepare_s: float
    images: list[int | None] = []
    seconds: list[float | None] = []

    @property
    def images_per_s(self) -> list[float | None]:
        """Per round."""
        pairs = zip(self.images, self.seconds, strict=True)
        return [n / s if n and s else None for n, s in pairs]


class Entry(_Part):
    """A entrant with one model; a skipped one is optional and failed."""

    model: str
    name: str
    framework: str
    variant: str
    status: Literal["ok", "failed", "skipped"]
    error: str | None = None
    parameters: int | None = None
    versions: dict[str, str] = {}
    start_s: float | None = None
    samples: list[Samples] = []


class Comparison(_Part):
    """All of it; `missing` frameworks are not installed."""

    schema_version: Literal[1] = 1
    kind: Literal["peers"] = "peers"
    id: str
    started: datetime
    command: str
    folder: str | None = None  # identity of the results folder; null in older files
    contended: bool = False
    machine: Machine
    software: Software
    code: Code
    config: Config
    missing: tuple[str, ...] = ()
    entries: tuple[Entry, ...]

    @property
    def versions(self) -> dict[str, str]:
        """Of every framework that took part."""
        return {name: version for e in self.entries for name, version in e.versions.items()}


def comparison(
    host: Provenance,
    id_: str,
    started: datetime,
    config: Config,
    missing: tuple[str, ...],
    entries: tuple[Entry, ...],
) -> Comparison:
    """Put together what was measured and where."""
    return Comparison(
        id=id_,
        started=started,
        command=host.command,
        folder=host.folder,
        machine=host.machine,
        software=host.software,
        code=host.code,
        config=config,
        missing=missing,
        entries=entries,
    )


def write(results: Path, made: Comparison) -> Path:
    """Store it under `results/<machine>/peers/`, where no run's record lies.

    Raises:
        UserError: the folder cannot be written to.
    """
    path = results / made.machine.id / FOLDER / f"{made.started:%Y%m%dT%H%M%SZ}-{made.id}.json"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, f"{made.model_dump_json(indent=1)}\n".encode())
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}") from None
    return path


def read(results: Path) -> Iterator[Comparison]:
    """Yield the comparisons in a results folder, oldest first; what is none is named and left."""
    for path in sorted(results.glob(f"*/{FOLDER}/*.json"), key=lambda path: path.name):
        try:
            yield Comparison.model_validate_json(path.read_bytes())
        except (OSError, ValueError) as error:
            reason = " ".join(str(error).split())[:200]
            log.warning("leaving %s alone, it is no comparison: %s", path, reason)
