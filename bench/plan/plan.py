"""Define the plan of a run: which models, on which data, with which settings and limits."""

import itertools
import math
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ByteSize,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveInt,
)

from bench.plan.limits import MAX_CASES
from bench.plan.validation import validate
from fmnist_jax.data.splits import VALIDATION_IMAGES
from fmnist_jax.learner import LEARNERS, LearnerConfig, complete, default_models


class DataConfig(BaseModel):
    """Sizes of the splits; None takes every image."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    validation_images: PositiveInt = VALIDATION_IMAGES
    split_seed: int = Field(0, ge=0, lt=2**32, description="a seed of NumPy")
    train_images: PositiveInt | None = Field(None, description="stratified subset")
    test_images: PositiveInt | None = Field(None, description="stratified subset")


Point = dict[str, Any]  # one value for each of some hyper-parameters
Values = Annotated[list[Any], Field(min_length=1)]
Table = dict[str, Values]
# One table, or a list of tables for a family whose options do not all go together.
Grid = Annotated[
    list[Table],
    BeforeValidator(lambda value: [value] if isinstance(value, dict) else value),
]


class Plan(BaseModel):
    """What to run and how.

    Attributes:
        recipe: a name for the settings of this plan, by which tables tell the models that it
            changes from the same models with other settings; None: the models' defaults.
        models: names of models and baselines; empty means those of the grid, or
            without a grid `default_models()`.
        dataset: a registered dataset, or auto.
        seeds: how many seeds of each model, counted from 0.
        jobs: cases side by side; auto fills the cores.
        timeout: seconds after which a case is stopped.
        memory_limit: resident memory of a case, in bytes or as "4GiB"; None is no limit.
        retries: further attempts at a case that died, hung or ran out of memory.
        target_accuracy: validation accuracy whose time is recorded.
        checkpoint_every: epochs of a network between training checkpoints; 0: none.
        supplements: add robustness, explanations and pictures to each finished record.
        data: sizes of the splits.
        model: changes to the models' own defaults, by model.
        grid: lists of values by model and hyper-parameter; every combination is a case.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    recipe: str | None = Field(None, pattern=r"^[a-z][a-z0-9-]*$", max_length=20)
    models: tuple[str, ...] = ()
    dataset: str = "auto"
    seeds: int = Field(1, gt=0, le=MAX_CASES)
    jobs: PositiveInt | Literal["auto"] = "auto"
    timeout: float = Field(3600.0, gt=0, le=1e8)
    memory_limit: ByteSize | None = Field(None, gt=0, lt=2**63)
    retries: NonNegativeInt = 0
    target_accuracy: float = Field(0.9, gt=0, le=1)
    checkpoint_every: NonNegativeInt = 5
    supplements: bool = True
    data: DataConfig = DataConfig()
    model: dict[str, Point] = {}
    grid: dict[str, Grid] = {}

    def names(self) -> tuple[str, ...]:
        """Return the models to run, each once."""
        return tuple(dict.fromkeys(self.models or self.grid or default_models()))

    def points(self, name: str) -> list[Point]:
        """Return every combination of model `name`'s grid; without a grid, the empty one."""
        return [
            dict(zip(table, values, strict=True))
            for table in self._tables(name)
            for values in itertools.product(*table.values())
        ]

    def count_points(self, name: str) -> int:
        """Return how many points there are, without multiplying the grid out."""
        return sum(math.prod(map(len, table.values())) for table in self._tables(name))

    def _tables(self, name: str) -> list[Table]:
        return self.grid.get(name, [{}])

    def learner(self, name: str, point: Point | None = None) -> LearnerConfig:
        """Return the hyper-parameters of model `name` under this plan, at a point of its grid.

        Raises:
            UserError: unknown model, unknown field, or a bad value.
        """
        changes = complete(LEARNERS[name], self.model.get(name, {}) | (point or {}))
        return validate(LEARNERS[name], changes, f"{name}.")
