"""TOML and --set become a Plan: frozen, typed, unknown keys refused."""

import itertools
import tomllib
import types
import typing
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ByteSize,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    ValidationError,
)

from fmnist_jax.errors import UserError, nearest
from fmnist_jax.learner import LEARNERS, LearnerConfig, default_models

CONFIGS = Path(__file__).parents[2] / "configs"


class DataConfig(BaseModel):
    """How a dataset is split; None takes every image."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    validation_images: PositiveInt = 5000
    split_seed: int = Field(0, ge=0)
    train_images: PositiveInt | None = Field(None, description="stratified subset")
    test_images: PositiveInt | None = Field(None, description="stratified subset")


Point = dict[str, Any]  # one value for each of some hyper-parameters
Values = Annotated[list[Any], Field(min_length=1)]
# One table, or a list of tables for a family whose options do not all go together.
Grid = Annotated[
    list[dict[str, Values]],
    BeforeValidator(lambda given: [given] if isinstance(given, dict) else given),
]


class Plan(BaseModel):
    """What to run and how.

    Attributes:
        models: names of models and baselines; empty means those of the grid, or
            without one every model that is not historic.
        dataset: a registered dataset, or auto.
        seeds: how many seeds of each model, counted from 0.
        jobs: cases side by side; auto fills the cores.
        timeout: seconds after which a case is stopped.
        memory_limit: what a case may hold, in bytes or as "4GiB"; None is no limit.
        retries: further attempts at a case that died, hung or ran out of memory.
        target_accuracy: validation accuracy whose time is recorded.
        checkpoint_every: epochs of a network between training checkpoints; 0: none.
        data: splits.
        model: changes to the models' own defaults, by model.
        grid: values of hyper-parameters to combine, each with each, by model.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    models: tuple[str, ...] = ()
    dataset: str = "auto"
    seeds: PositiveInt = 1
    jobs: PositiveInt | Literal["auto"] = "auto"
    timeout: PositiveFloat = 3600.0
    memory_limit: ByteSize | None = Field(None, gt=0)
    retries: NonNegativeInt = 0
    target_accuracy: float = Field(0.9, gt=0, le=1)
    checkpoint_every: NonNegativeInt = 5
    data: DataConfig = DataConfig()
    model: dict[str, Point] = {}
    grid: dict[str, Grid] = {}

    def names(self) -> tuple[str, ...]:
        """The models to run."""
        return self.models or tuple(self.grid) or default_models()

    def points(self, name: str) -> list[Point]:
        """Every combination of model `name`'s grid; without a grid, one that varies nothing."""
        tables: list[dict[str, list[Any]]] = self.grid.get(name, [{}])
        return [
            dict(zip(table, values, strict=True))
            for table in tables
            for values in itertools.product(*table.values())
        ]

    def learner(self, name: str, point: Point | None = None) -> LearnerConfig:
        """The hyper-parameters of model `name` under this plan, at a point of its grid.

        Raises:
            UserError: unknown model, unknown field, or a bad value.
        """
        changes = self.model.get(name, {}) | (point or {})
        return _validate(LEARNERS[name], changes, f"{name}.")


def load(
    config: str | None,
    assignments: Iterable[str] = (),
    **options: Any,
) -> Plan:
    """Read a config, apply --set, then the command line's own options.

    Args:
        config: a file, or the name of one of the suite's ("smoke"); None is
            the default config.
        assignments: KEY=VALUE, with the value in TOML (bare words are strings);
            `resnet.epochs` is short for `model.resnet.epochs`.
        options: fields of Plan that the command line gave; None means not given.

    Raises:
        UserError: anything wrong, in one line that names it.
    """
    document = _read(config)
    for assignment in assignments:
        _assign(document, assignment)
    document |= {key: value for key, value in options.items() if value is not None}
    for key in document:
        if key not in Plan.model_fields and key in LEARNERS.catalogue:
            raise UserError(f"unknown key {key!r}: did you mean [model.{key}]?")
    plan = _validate(Plan, document, "")
    for name in plan.models:
        LEARNERS.check(name)
    # A mistake in a model that this run leaves out is still one.
    for name in (*plan.model, *plan.grid):
        LEARNERS.check(name)
        for point in plan.points(name):
            _check_free(plan, name, point)
            plan.learner(name, point)
    return plan


def _check_free(plan: Plan, name: str, point: Point) -> None:
    for field in plan.model.get(name, {}):
        if field in point:
            raise UserError(
                f"{name}.{field} is set and varied: leave it out of [model.{name}] and --set, "
                f"or set grid.{name}.{field} to a list"
            )


def available() -> list[Path]:
    """The suite's own configs."""
    return sorted(CONFIGS.glob("*.toml"))


def _read(config: str | None) -> dict[str, Any]:
    path = Path(config or "default")
    if not path.suffix:
        path = CONFIGS / f"{path}.toml"
    if config is None and not path.is_file():
        return {}  # installed without the configs: Plan's defaults are the same
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        known = nearest(path.stem, [found.stem for found in available()])
        raise UserError(f"no config {path}: {known}") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UserError(f"cannot read config {path}: {error}") from None


def _assign(document: dict[str, Any], assignment: str) -> None:
    key, equals, text = assignment.partition("=")
    parts = [part.strip() for part in key.split(".")]
    if not equals or not all(parts):
        raise UserError(f"--set {assignment!r} is not KEY=VALUE, as in --set resnet.epochs=5")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text.strip()
    if parts[0] not in Plan.model_fields:
        if len(parts) == 1:
            known = [*Plan.model_fields, *(f"{name}.FIELD" for name in LEARNERS.catalogue)]
            raise UserError(f"unknown key {key!r}: {nearest(parts[0], known)}")
        _check_first(parts[0])
        parts.insert(0, "model")
    *folders, last = parts
    for folder in folders:
        if not isinstance(document.get(folder), dict):
            document[folder] = {}
        document = document[folder]
    document[last] = value


def _check_first(name: str) -> None:
    known = [*LEARNERS.catalogue, *(f for f in Plan.model_fields if f in ("data", "model", "grid"))]
    if name not in known:
        raise UserError(f"unknown model or table {name!r}: {nearest(name, known)}")


M = typing.TypeVar("M", bound=BaseModel)


def _validate(model: type[M], document: dict[str, Any], prefix: str) -> M:
    try:
        return model.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        loc = [str(part) for part in first["loc"]]
        field = (prefix + ".".join(p for p in loc if not _is_union_tag(p))).rstrip(".")
        if first["type"] == "extra_forbidden":
            owner = _owner(model, loc[:-1])
            before = field.removesuffix(loc[-1])
            raise UserError(
                f"unknown key {field!r}: {nearest(loc[-1], owner.model_fields, before)}"
            ) from None
        problem = first["msg"].lower().removeprefix("value error, ")
        raise UserError(f"{field}: {problem}, got {first['input']!r}") from None


def _is_union_tag(part: str) -> bool:
    """Pydantic names the branch of a union in an error's location: "int", "literal['auto']"."""
    return part.startswith(("literal[", "constrained-")) or part in ("int", "float", "none")


def _owner(model: type[BaseModel], path: list[str]) -> type[BaseModel]:
    """The nested config class at `path`."""
    for part in path:
        annotation = model.model_fields[part].annotation
        options = (
            typing.get_args(annotation)
            if typing.get_origin(annotation) in (typing.Union, types.UnionType)
            else (annotation,)
        )
        model = next(o for o in options if isinstance(o, type) and issubclass(o, BaseModel))
    return model
