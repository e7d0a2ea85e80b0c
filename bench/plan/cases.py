"""A plan becomes the list of cases to run."""

import hashlib
import json
from typing import Any

from bench.plan.plan import Plan
from bench.records.schema import Case
from fmnist_jax.data.dataset import Dataset


def cases(plan: Plan, dataset: Dataset) -> list[Case]:
    """Every model times its grid times every seed, each with its config resolved in full.

    Raises:
        UserError: a model or one of its hyper-parameters does not exist.
    """
    sha256 = dataset.sha256
    made = []
    for name in plan.names():
        for point in plan.points(name):
            learner = plan.learner(name, point)
            hyper = learner.model_dump(mode="json")
            config = {
                "model": hyper,
                "data": plan.data.model_dump(mode="json"),
                "target_accuracy": plan.target_accuracy,
            }
            if point:
                config["grid"] = {field: hyper[field] for field in point}
            made += [
                Case(
                    model=name,
                    kind=learner.kind,
                    dataset=dataset.name,
                    dataset_sha256=sha256,
                    seed=seed,
                    config=config,
                    config_hash=config_hash(config),
                )
                for seed in range(plan.seeds)
            ]
    return made


def config_hash(config: dict[str, Any]) -> str:
    """Twelve hex digits that are the same for equal configs on any machine."""
    canonical = json.dumps(config, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]
