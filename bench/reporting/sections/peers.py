"""The same networks in other frameworks, timed side by side."""

from collections.abc import Sequence
from statistics import median
from typing import Any

import pandas as pd

from bench.reporting.section import SECTIONS, Column, Row, Section

OURS = "ours"
LABELS = {"torch": "PyTorch", "keras": "Keras"}
NOTE = (
    "images/s, or ms where a batch is one image: median of the rounds (least to most); "
    "×: this suite's speed over the row's in the same round, likewise"
)

Rates = list[float | None]  # images/s by round; None where a round is missing
Measures = dict[tuple[str, int], Rates]


@SECTIONS.register("peers")
def peers() -> Section:
    """The same networks in other frameworks, side by side."""
    return Section(
        "peers",
        title=title,
        query=query,
        columns=columns,
        notes=notes,
        by=("machine", "model", "id"),
        source="peers",
        order=80,
    )


def title(row: Row) -> str:
    """Name the network and the conditions that all rows share."""
    size: str = "" if pd.isna(row["parameters"]) else f"{row['parameters']:,.0f} parameters, "
    flip = ", mirrored at random" if row["flip"] else ""
    rounds = f"{row['rounds']} round{'s' if row['rounds'] > 1 else ''}"
    return (
        f"{row['model']} in other frameworks: {size}{row['dtype']}{flip}, {row['machine']}, "
        f"{row['threads']} threads, {rounds}"
    )


def query(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a row per variant, each framework with several followed by its best.

    Of each machine and network the newest comparison counts, own and published apart.
    """
    rows: list[dict[str, Any]] = []
    groups = frame.groupby(["model", "machine", "published"], sort=False)
    for _, group in groups:
        rows += _variants(group[group["id"] == group["id"].iloc[-1]])
    return pd.DataFrame(rows, columns=None if rows else ["synthetic", "contended", "published"])


def columns(rows: pd.DataFrame) -> Sequence[Column]:
    """Return speed and ratio of each measure, in the order of the first table's."""
    shown = [Column("", "name", align="left")]
    measures = [str(name).removesuffix("_images_per_s") for name in rows]
    for priority, measure in enumerate(
        name for name, column in zip(measures, rows, strict=True) if name != str(column)
    ):
        kind, _, batch = measure.rpartition("_")
        speed = tuple(f"{measure}_{part}" for part in ("images_per_s", "slowest", "fastest"))
        ratio = tuple(f"{measure}_{part}" for part in ("ratio", "ratio_least", "ratio_most"))
        show = _milliseconds if batch == "1" else _rates
        shown += [
            Column(f"{kind}, batch {batch}", speed, show, priority=2 * priority, timing=True),
            Column(f"× {kind} {batch}", ratio, _ratios, priority=2 * priority + 1, timing=True),
        ]
    return shown


def notes(rows: pd.DataFrame) -> list[str]:
    """Explain the figures, and name what failed."""
    failed = rows[rows["status"] != "ok"]
    return [
        NOTE,
        *(f"{row['name']} {row['status']}: {row['error']}" for _, row in failed.iterrows()),
    ]


def ratios(ours: Rates, theirs: Rates) -> list[float]:
    """Return how many times faster ours is, in every round that both finished."""
    pairs = zip(ours, theirs, strict=True)
    return [mine / other for mine, other in pairs if mine is not None and other is not None]


def best_variant(variants: Sequence[Measures]) -> Measures:
    """Return, for each measure, the rates of the variant with the highest median."""
    best: Measures = {}
    for measures in variants:
        for key, rates in measures.items():
            best[key] = max(best.get(key, []), rates, key=_median)
    return best


def _variants(measures: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of one comparison of one network."""
    first = measures.iloc[0]
    shared = {
        name: first[name]
        for name in ("id", "machine", "model", "dtype", "flip", "threads", "rounds")
    } | {name: bool(first[name]) for name in ("synthetic", "contended", "published")}
    shared["parameters"] = measures["parameters"].max()
    ours: Measures | None = None
    rows: list[dict[str, Any]] = []
    for framework, group in measures.groupby("framework", sort=False):
        variants = {name: _measures(part) for name, part in group.groupby("name", sort=False)}
        if framework == OURS and ours is None:
            ours = next(iter(variants.values()))
        for name, part in group.groupby("name", sort=False):
            status = {"name": name} | dict(part.iloc[0][["status", "error"]])
            rows.append(shared | status | _figures(ours or {}, variants[name]))
        if framework != OURS and sum(bool(variant) for variant in variants.values()) > 1:
            label = f"best of {LABELS.get(str(framework), str(framework))}"
            best = best_variant(list(variants.values()))
            rows.append(shared | {"name": label, "status": "ok"} | _figures(ours or {}, best))
    return rows


def _measures(part: pd.DataFrame) -> Measures:
    measured = part[part["kind"].notna()]
    keys = zip(measured["kind"], measured["batch"].astype(int), strict=True)
    return dict(zip(keys, measured["images_per_s"], strict=True))


def _figures(ours: Measures, theirs: Measures) -> dict[str, float]:
    """Return median, least and most of speed and ratio by measure."""
    figures: dict[str, float] = {}
    for (kind, batch), rates in theirs.items():
        name, finished = f"{kind}_{batch}", [rate for rate in rates if rate is not None]
        mine = ours.get((kind, batch), [])
        factors = ratios(mine, rates) if mine and mine is not rates else []
        for values, suffixes in (
            (finished, ("images_per_s", "slowest", "fastest")),
            (factors, ("ratio", "ratio_least", "ratio_most")),
        ):
            if values:
                spread = (median(values), min(values), max(values))
                figures |= {f"{name}_{s}": v for s, v in zip(suffixes, spread, strict=True)}
    return figures


def _median(rates: Rates) -> float:
    finished = [rate for rate in rates if rate is not None]
    return median(finished) if finished else 0.0


def _rates(middle: float, least: float, most: float) -> str:
    return f"{middle:,.0f} ({least:,.0f}–{most:,.0f})"


def _milliseconds(middle: float, least: float, most: float) -> str:
    return f"{1e3 / middle:.2f} ms ({1e3 / most:.2f}–{1e3 / least:.2f})"


def _ratios(middle: float, least: float, most: float) -> str:
    return f"{middle:.2f}× ({least:.2f}–{most:.2f})"
