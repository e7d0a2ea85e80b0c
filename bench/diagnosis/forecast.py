"""Say which case would run where, and roughly how long `run --all` takes here."""

import heapq
from collections.abc import Mapping, Sequence

from bench.diagnosis.finding import Finding, Situation
from bench.execution.cores import Cores
from bench.plan.cases import DatasetDescription, expected_cost, make_cases
from bench.plan.load import load
from bench.records.provenance import Provenance
from bench.records.schema import Case, Record
from bench.reporting.format import seconds
from fmnist_jax.data.datasets.fashion_mnist import FashionMNIST
from fmnist_jax.system.cpu import available_cores

Start = tuple[float, Case, tuple[int, ...]]  # seconds after the beginning, the cores


def examine(situation: Situation) -> list[Finding]:
    """Examine the cases of `run --all`; where JAX does not start there are none."""
    if situation.host is None:
        return [Finding("run --all", "problem", "nothing can run until JAX starts")]
    cases = default_cases()
    return [_places(cases, situation.host), _duration(cases, situation)]


def default_cases() -> list[Case]:
    """Return the cases of `run --all` on Fashion-MNIST, without reading it."""
    card = FashionMNIST.card
    return make_cases(load(None), DatasetDescription(card.name, "", card.classes, False, ""))


def schedule(
    cases: Sequence[Case], took_s: Mapping[str, float], cores: Sequence[int], host: Provenance
) -> tuple[list[Start], float]:
    """Return when and where each case would start, and the seconds until all have ended.

    Args:
        cases: of one seed.
        took_s: seconds of each model.
        cores: to share out.
        host: says whether networks run on an accelerator.
    """
    slots, now = Cores(cores, cases, host), 0.0
    waiting = sorted(cases, key=expected_cost, reverse=True)
    running: list[tuple[float, int, Case, tuple[int, ...]]] = []
    starts: list[Start] = []
    while waiting or running:
        for case in list(waiting):
            if slot := slots.find_slot(case):
                slots.take(case, slot)
                waiting.remove(case)
                starts.append((now, case, slot))
                heapq.heappush(running, (now + took_s[case.model], len(starts), case, slot))
        now, _, ended, slot = heapq.heappop(running)
        slots.give_back(ended, slot)
    return starts, now


def _places(cases: Sequence[Case], host: Provenance) -> Finding:
    starts, _ = schedule(cases, dict.fromkeys((c.model for c in cases), 1.0), *_here(host))
    count = host.machine.accelerator_count
    place = {
        case.model: f"{host.machine.accelerator} × {count}"
        if case.kind == "flax" and host.accelerated
        else f"{len(slot)} core{'s' if len(slot) > 1 else ''}"
        for _, case, slot in starts
    }
    models: dict[str, list[str]] = {}
    for model, where in place.items():
        models.setdefault(where, []).append(model)
    text = "; ".join(f"{', '.join(names)} on {where}" for where, names in models.items())
    return Finding("cases", "ok", text, facts={"place": place})


def _here(host: Provenance) -> tuple[Sequence[int], Provenance]:
    return available_cores(), host


def _duration(cases: Sequence[Case], situation: Situation) -> Finding:
    """Estimate from this machine's newest records, else show what other machines took."""
    assert situation.host
    here, machines = (
        situation.host.machine.id,
        _newest(cases, [*situation.records, *situation.published]),
    )
    facts: dict[str, float] = {}
    texts: list[str] = []
    for machine, runs in sorted(machines.items(), key=lambda item: item[0] != here):
        if len(runs) < len(cases) or here in facts:
            continue
        some = next(iter(runs.values()))
        host = situation.host.model_copy(update={"machine": some.machine})
        took = {model: run.time.total_s or 0.0 for model, run in runs.items()}
        _, total = schedule(cases, took, range(some.machine.cores), host)
        dates = max(run.run.started for run in runs.values())
        texts.append(f"{seconds(total)} on {machine}, by its records of {dates:%Y-%m-%d}")
        facts[machine] = total
    if not texts:
        text = "how long it takes is unknown until it has run once"
    elif here in facts:
        text = f"about {texts[0]}; robustness, explanations and pictures come on top"
    else:
        text = f"unknown here until it has run; {'; '.join(texts)}"
    return Finding("run --all", "ok", text, facts={"machine": here, "seconds_by_machine": facts})


def _newest(cases: Sequence[Case], records: Sequence[Record]) -> dict[str, dict[str, Record]]:
    """Return by machine and model the newest finished record of each of these cases."""
    wanted = {(case.model, case.dataset, case.seed, case.config_hash) for case in cases}
    found: dict[str, dict[str, Record]] = {}
    for record in sorted(records, key=lambda record: record.run.started):
        case = record.case
        key = (case.model, case.dataset, case.seed, case.config_hash)
        if key in wanted and record.run.status == "ok" and record.time.total_s is not None:
            found.setdefault(record.machine.id, {})[case.model] = record
    return found
