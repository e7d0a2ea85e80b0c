"""Turn a plan into the list of cases to run."""

from dataclasses import dataclass
from pathlib import Path

from pydantic_core import to_jsonable_python

from bench.plan.plan import DataConfig, Plan
from bench.records.identity import digest_config
from bench.records.schema import Case
from fmnist_jax.data.dataset import Dataset
from fmnist_jax.data.load import load
from fmnist_jax.data.splits import make_splits
from fmnist_jax.learner import LEARNERS


@dataclass(frozen=True)
class DatasetDescription:
    """A dataset without its arrays; attributes as of `Dataset`.

    Attributes:
        reason: why the dataset is synthetic, where it is.
    """

    name: str
    sha256: str
    classes: tuple[str, ...]
    synthetic: bool
    reason: str


def describe_dataset(plan: Plan, data_dir: Path | None) -> DatasetDescription:
    """Load the dataset of a plan and return its description; impossible splits are refused here.

    Raises:
        UserError: the dataset is not available, or is too small for the plan.
    """
    dataset = load(plan.dataset, data_dir)
    sizes = plan.data.model_dump()
    make_splits(dataset, sizes.pop("split_seed"), **sizes)
    return DatasetDescription(
        dataset.name,
        dataset.sha256,
        dataset.classes,
        dataset.synthetic,
        dataset.fallback_reason or "requested by name.",
    )


def make_cases(plan: Plan, dataset: Dataset | DatasetDescription) -> list[Case]:
    """Make a case of every model, grid point and seed, each with its complete config.

    A point that the grid contains twice gives one case.

    Raises:
        UserError: a model or one of its hyper-parameters does not exist.
    """
    sha256 = dataset.sha256
    result: dict[tuple[str, str], list[Case]] = {}
    for name in plan.names():
        is_changed = name in plan.model or plan.data != DataConfig()
        recipe = plan.recipe if is_changed else None
        for varied in plan.points(name):
            learner = plan.learner(name, varied)
            hyper = learner.model_dump(mode="json")
            config = {
                "model": hyper,
                "data": plan.data.model_dump(mode="json"),
                "target_accuracy": plan.target_accuracy,
            }
            # Not from `hyper`, which leaves out some fields that have their defaults.
            point = {field: to_jsonable_python(getattr(learner, field)) for field in varied} or None
            digest = digest_config(config, point)
            result[name, digest] = [
                Case(
                    model=name,
                    kind=learner.kind,
                    dataset=dataset.name,
                    dataset_sha256=sha256,
                    synthetic=dataset.synthetic,
                    seed=seed,
                    config=config,
                    config_hash=digest,
                    recipe=recipe,
                    point=point,
                )
                for seed in range(plan.seeds)
            ]
    return [case for seeds in result.values() for case in seeds]


def expected_cost(case: Case) -> float:
    """Return a rough estimate of the core-seconds of a case; only the order of cases uses it."""
    return LEARNERS[case.model].expected_core_seconds
