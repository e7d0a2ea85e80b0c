"""Turn a plan into the list of cases to run."""

from bench.plan.plan import Plan
from bench.records.identity import digest_config
from bench.records.schema import Case
from fmnist_jax.data.dataset import Dataset


def cases(plan: Plan, dataset: Dataset) -> list[Case]:
    """Return every model times its grid times every seed, each config resolved in full.

    A case that the grid names twice is there once.

    Raises:
        UserError: a model or one of its hyper-parameters does not exist.
    """
    sha256 = dataset.sha256
    result: dict[tuple[str, str], list[Case]] = {}
    for name in plan.names():
        for varied in plan.points(name):
            learner = plan.learner(name, varied)
            hyper = learner.model_dump(mode="json")
            config = {
                "model": hyper,
                "data": plan.data.model_dump(mode="json"),
                "target_accuracy": plan.target_accuracy,
            }
            point = {field: hyper[field] for field in varied} or None
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
                    point=point,
                )
                for seed in range(plan.seeds)
            ]
    return [case for seeds in result.values() for case in seeds]
