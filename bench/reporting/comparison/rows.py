"""Put two machines' pairs into the rows of the section `compare`."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from bench.reporting.comparison.comparable import (
    Pair,
    choose_baseline,
    find_pairs,
    machines,
    other_software,
    tell_published_apart,
)
from bench.reporting.comparison.measures import MEASURES, Measure
from bench.reporting.comparison.statistics import (
    Ratio,
    compare_samples,
    difference_of_shares,
    mark_interval,
)
from bench.reporting.metrics.roofline import bottleneck
from bench.reporting.query import SETTINGS
from bench.reporting.section import FLAGS

SPEED, LIMITS, OTHERS = "speed", "limits", "not compared"  # the parts, in their order
ALWAYS = ("part", "baseline", "machine", "model", "seeds", "accuracy", "other_software")


def query(frame: pd.DataFrame, names: Sequence[str], baseline: str | None) -> pd.DataFrame:
    """Return a row per model and machine in each part: speed, limits, not compared.

    The best model comes first, with its machines side by side.
    """
    frame = tell_published_apart(frame)
    known = machines(frame)
    base = baseline or choose_baseline(frame)
    rows: list[dict[str, Any]] = []
    for machine in names or known:
        if machine != base:
            for pair in find_pairs(frame, base, machine):
                rows += _rows(pair, base, machine)
    made = pd.DataFrame(rows, columns=_names(rows))
    made["place"] = made["part"].map((SPEED, LIMITS, OTHERS).index)
    made["best"] = made.groupby("model")["accuracy"].transform("max")
    return made.sort_values(
        ["synthetic", "place", "best", "model", "machine"],
        ascending=[True, True, False, True, True],
        ignore_index=True,
        kind="stable",
    )


def _rows(pair: Pair, base: str, machine: str) -> list[dict[str, Any]]:
    runs = pair.baseline if pair.machine.empty else pair.machine
    shared = {
        "model": pair.model,
        "seeds": len(runs) if pair.earlier else 1,
        "machine": machine,
        "baseline": base,
        **{name: runs[name].iloc[-1] for name in SETTINGS},
        "synthetic": bool(runs["case.synthetic"].any()),
        "published": bool(runs["published"].iloc[-1]),
        "contended": bool(pair.baseline["run.contended"].any())
        or bool(pair.machine["run.contended"].any()),
        "accuracy": runs["test_accuracy"].mean(),
    }
    others = shared | {"part": OTHERS, "contended": False}
    if pair.earlier is None:
        return [others | {"mark": pair.mark, "reason": pair.reason}]
    ratios = {m: _ratio(m, pair) for m in MEASURES}
    figures = {
        f"{measure.name}_{name}": value
        for measure, ratio in ratios.items()
        if isinstance(ratio, Ratio)
        for name, value in vars(ratio).items()
    }
    speed = {"part": SPEED, "other_software": other_software(pair.baseline, pair.machine)}
    rows = [shared | speed | _accuracy(pair) | figures]
    rows += _limits(pair, shared | {"part": LIMITS}, ratios[MEASURES[0]])
    return rows + [
        others | {"mark": "x", "reason": f"{measure.heading}: {ratio}"}
        for measure, ratio in ratios.items()
        if isinstance(ratio, str) and ratio
    ]


def _ratio(measure: Measure, pair: Pair) -> Ratio | str:
    """Return the ratio; a reason where one machine lacks it, empty where both do."""
    assert pair.earlier
    a = measure.samples(pair.baseline, pair.earlier[0])
    b = measure.samples(pair.machine, pair.earlier[1])
    a, b = ({batch: s for batch, s in found.items() if s} for found in (a, b))
    if common := a.keys() & b.keys():
        return compare_samples(a[max(common)], b[max(common)], measure.better)
    if not a and not b:
        return ""
    if a and b:
        return "no batch in common"
    lacking = pair.machine if a else pair.baseline
    return f"not measured on {lacking['machine.id'].iloc[-1]}"


def _accuracy(pair: Pair) -> dict[str, Any]:
    counts = []
    for runs in (pair.baseline, pair.machine):
        confusion = np.sum([np.asarray(matrix) for matrix in runs["quality.confusion"]], axis=0)
        counts.append((int(np.trace(confusion)), int(confusion.sum())))
    difference, low, high = difference_of_shares(*counts)
    return {
        "accuracy_baseline": counts[0][0] / counts[0][1],
        "accuracy": counts[1][0] / counts[1][1],
        "accuracy_difference": difference,
        "accuracy_low": low,
        "accuracy_high": high,
        "accuracy_mark": mark_interval(low, high),
    }


def _limits(pair: Pair, row: dict[str, Any], train: Ratio | str) -> list[dict[str, Any]]:
    """Take the ratio of training apart, where the arithmetic and the machines' rates are known."""
    names = ("flops_share", "bandwidth_share")
    probes = ("machine.probe.matmul_flops", "machine.probe.bandwidth_bytes")
    a, b = (runs[[*names, *probes]].median() for runs in (pair.baseline, pair.machine))
    if isinstance(train, str) or a.isna().any() or b.isna().any():
        return []
    used = max(a[name] for name in names), max(b[name] for name in names)
    return [
        row
        | {
            "train_ratio": train.ratio,
            "train_mark": train.mark,
            "train_baseline": train.baseline,
            "train_value": train.value,
            "limit_ratio": train.ratio / (used[1] / used[0]),
            "use_ratio": used[1] / used[0],
            "share_baseline": used[0],
            "share": used[1],
            "matmul_baseline": a[probes[0]],
            "matmul": b[probes[0]],
            "memory_baseline": a[probes[1]],
            "memory": b[probes[1]],
            "bound_baseline": bottleneck(a),
            "bound": bottleneck(b),
        }
    ]


def _names(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Return the columns of all rows, and those that are there without any row, too."""
    always = dict.fromkeys((*ALWAYS, *SETTINGS, *FLAGS))
    return list(always | dict.fromkeys(name for row in rows for name in row))
