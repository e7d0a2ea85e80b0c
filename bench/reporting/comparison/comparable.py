"""Find the runs of two machines that can be compared, and say why others cannot."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from bench.records.identity import digest_config
from bench.reporting.query import finished, model_names, newest_of_each_seed
from bench.reporting.section import is_missing

# Runs are comparable where these agree, of the same model and seed.
KEY = ("case.dataset_sha256", "case.config_hash", "software.compute_dtype")
LONGEST = 3  # differences of a config that are named


@dataclass(frozen=True)
class Pair:
    """The runs of one model on two machines, or why they cannot be compared.

    Attributes:
        baseline: the newest run of each seed on the baseline machine.
        machine: likewise on the other; the same seeds.
        earlier: all finished runs of the same key on either machine, in the same order.
        mark: x where they cannot be compared, ! where the model failed on the machine.
        reason: why not; empty where they can.
    """

    model: str
    baseline: pd.DataFrame
    machine: pd.DataFrame
    earlier: tuple[pd.DataFrame, pd.DataFrame] | None = None
    mark: str = ""
    reason: str = ""


def tell_published_apart(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with a name of its own for the published part of one's own machine.

    So that whoever has the hardware of published records sees how theirs differ.
    """
    name, published = frame["machine.id"], frame["published"].astype(bool)
    is_both = published & name.isin(name[~published])
    return frame.assign(**{"machine.id": name.mask(is_both, name + "-published")})


def machines(frame: pd.DataFrame) -> list[str]:
    """Return the machines that have finished runs outside a grid, the first to run first."""
    return [str(name) for name in finished(frame)["machine.id"].unique()]


def choose_baseline(frame: pd.DataFrame) -> str:
    """Return the machine that most runs of others can be compared with; "" without any.

    Of several, the first to have run.
    """
    keys = ["case.model", *KEY]
    runs = _as_trained(finished(_by_name(frame)))
    trained = {
        str(name): set(own[keys].itertuples(index=False, name=None))
        for name, own in runs.groupby("machine.id", sort=False)
    }

    def comparable(name: str) -> int:
        others = (keys for other, keys in trained.items() if other != name)
        return sum(len(trained[name] & keys) for keys in others)

    return max(trained, key=comparable, default="")


def find_pairs(frame: pd.DataFrame, baseline: str, machine: str) -> Iterator[Pair]:
    """Yield a pair for each model, and for each dataset that both machines know.

    A model under a recipe is a model of its own; that one machine lacks it says nothing.

    Args:
        frame: of all records.
        baseline: the baseline machine.
        machine: the other.
    """
    models = set(frame["case.model"])
    frame = _by_name(frame)
    outside = frame[frame["case.point"].isna()]
    done = finished(frame)
    ours, theirs = (_as_trained(done[done["machine.id"] == name]) for name in (machine, baseline))
    for model in dict.fromkeys([*theirs["case.model"], *ours["case.model"]]):
        a, b = (runs[runs["case.model"] == model] for runs in (theirs, ours))
        if a.empty or b.empty:
            missing = machine if b.empty else baseline
            tried = outside[(outside["case.model"] == model) & (outside["machine.id"] == missing)]
            if model in models or not tried.empty:
                yield Pair(model, a, b, None, *_why_missing(tried, missing))
        else:
            yield from _match(model, a, b)


def _by_name(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with models under a recipe as models of their own."""
    return frame.assign(**{"case.model": model_names(frame)})


def _as_trained(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the runs with the batch that each trained with in its config, in place of `auto`."""
    configs = []
    for config, batch in zip(runs["case.config"], runs["cost.batch_size"], strict=True):
        model = config["model"]
        if "batch_size" in model and not is_missing(batch):
            config = config | {"model": model | {"batch_size": int(batch)}}
        configs.append(config)
    hashes = [digest_config(config) for config in configs]
    return runs.assign(**{"case.config": configs, "case.config_hash": hashes})


def _match(model: str, a: pd.DataFrame, b: pd.DataFrame) -> Iterator[Pair]:
    """Yield the newest comparable config of each dataset; without any, the reason."""
    of_a, of_b = (list(runs[list(KEY)].itertuples(index=False, name=None)) for runs in (a, b))
    common = {key[0]: key for key in of_b if key in of_a}
    for key in common.values():
        earlier = a[[k == key for k in of_a]], b[[k == key for k in of_b]]
        seeds = set(earlier[0]["case.seed"]) & set(earlier[1]["case.seed"])
        runs = [
            newest_of_each_seed(
                some[some["case.seed"].isin(seeds)].sort_values("run.started"), ("case.model",)
            )
            for some in earlier
        ]
        if seeds:
            yield Pair(model, runs[0], runs[1], earlier)
        else:
            yield Pair(model, a, b, None, "x", "no seed in common")
    if not common:
        yield Pair(model, a, b, None, "x", difference(a.iloc[-1], b.iloc[-1]))


def _why_missing(tried: pd.DataFrame, machine: str) -> tuple[str, str]:
    if tried.empty:
        return "x", f"not run on {machine}"
    last = tried.sort_values("run.started", kind="stable").iloc[-1]
    return "!", f"{last['run.status']} on {machine}: {last['run.error'] or 'no reason given'}"


def difference(a: Mapping[str, Any] | pd.Series, b: Mapping[str, Any] | pd.Series) -> str:
    """Say in what two runs of a model differ that keeps them from being compared."""
    parts = []
    if a["case.dataset_sha256"] != b["case.dataset_sha256"]:
        names = a["case.dataset"], b["case.dataset"]
        parts.append(f"data: {names[0]} and {names[1]}" if len({*names}) > 1 else "other data")
    if a["case.config_hash"] != b["case.config_hash"]:
        changed = list(_changes(a["case.config"], b["case.config"]))
        more = [f"{len(changed) - LONGEST} more"] if len(changed) > LONGEST else []
        parts.append(f"config: {', '.join([*changed[:LONGEST], *more]) or 'another'}")
    if a["software.compute_dtype"] != b["software.compute_dtype"]:
        parts.append(f"precision: {a['software.compute_dtype']} and {b['software.compute_dtype']}")
    return "; ".join(parts)


def _changes(a: Mapping[str, Any], b: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Yield "epochs 20 and 5" for every field that differs."""
    for name in dict.fromkeys([*a, *b]):
        one, other = a.get(name), b.get(name)
        if isinstance(one, dict) and isinstance(other, dict):
            yield from _changes(one, other, f"{name}.")
        elif one != other:
            yield f"{prefix if prefix != 'model.' else ''}{name} {one} and {other}"


def other_software(a: pd.DataFrame, b: pd.DataFrame) -> dict[str, tuple[str, str]]:
    """Return in which software, code and share of the cores the newest runs of a pair differ."""
    one, other = a.iloc[-1], b.iloc[-1]
    names = [str(name) for name in a if str(name).startswith("software.")] + ["code.commit"]
    values = {name.partition(".")[2]: (_brief(one[name]), _brief(other[name])) for name in names}
    # A share of the cores, since all of them is what a larger machine is for.
    if one["run.threads"] * other["machine.cores"] != other["run.threads"] * one["machine.cores"]:
        threads = str(one["run.threads"]), str(other["run.threads"])
        values[f"threads of {one['case.model']}"] = threads
    return {name: both for name, both in values.items() if both[0] != both[1]}


def _brief(value: Any) -> str:
    """Return a version, or a commit as git abbreviates it."""
    if is_missing(value) or value == {}:
        return "none"
    return str(value)[:7] if len(str(value)) == 40 else str(value)
