"""Where the networks look, and how faithful the maps that say so are."""

from collections import defaultdict
from typing import Any

import pandas as pd

from bench.reporting.format import count, decimal
from bench.reporting.metric import Better
from bench.reporting.query import MACHINE, SETTINGS, by_model
from bench.reporting.section import SECTIONS, Column, Section, describe, is_missing

NOTES = (
    "means over a fixed sample of test images; the maps without a layer are controls that no "
    "network has made: a method that does not beat them explains nothing",
)
# Heading, direction and priority of each measure that records know by this name.
MEASURES: dict[str, tuple[str, Better, int]] = {
    "heat_on_garment": ("heat on garment", "higher", 1),
    "deletion_blur": ("deletion, blur", "lower", 2),
    "insertion_blur": ("insertion, blur", "higher", 3),
    "road_combined": ("ROAD", "higher", 4),
    "sanity": ("sanity", "lower", 5),
}
PREFIX = "faithfulness_"  # of the columns of a query that are such measures


@SECTIONS.register("explanations")
def explanations() -> Section:
    """Explanation methods of each network beside their controls."""
    return Section(
        "explanations",
        title=lambda row: f"Explanations of {row['model']}: {describe(row)}",
        query=query,
        columns=columns,
        notes=NOTES,
        by=(*SETTINGS, "machine", "model", "published"),
        order=70,
    )


def query(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a row per network and method, the means over the seeds."""
    shared = [*SETTINGS, "machine", "model", "synthetic", "contended", "published"]
    rows = [
        {name: model[name] for name in shared} | row
        for _, model in by_model(frame).iterrows()
        for row in _methods(model["runs"])
    ]
    return pd.DataFrame(rows, columns=None if rows else shared)


def columns(rows: pd.DataFrame) -> list[Column]:
    """Return the measures that some record has, the usual ones first."""
    measured = [str(name) for name in rows if str(name).startswith(PREFIX)]
    names = [name.removeprefix(PREFIX) for name in measured]
    ordered = sorted(names, key=lambda name: (name not in MEASURES, name))
    shown = [
        Column("method", "method", align="left"),
        Column("layer", "layer", align="left", priority=8),
        Column("maps/s", "maps_per_s", count, better="higher", priority=6, timing=True),
    ]
    for name in sorted(ordered, key=lambda name: MEASURES.get(name, ("", "higher", 9))[2]):
        heading, better, priority = MEASURES.get(name, (name.replace("_", " "), None, 9))
        shown.append(Column(heading, PREFIX + name, decimal, better=better, priority=priority))
    return [*shown, Column("images", "images", count, priority=7), MACHINE]


def _methods(runs: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the means of each method over the runs, in the order of the first run."""
    by_method: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for methods in runs["explanations"]:
        for explanation in methods:
            by_method[explanation["method"]].append(explanation)
    return [
        {
            "method": method,
            "layer": found[0]["layer"],
            "images": found[0]["images"],
            "maps_per_s": _mean([each["maps_per_s"] for each in found]),
            **{
                PREFIX + name: _mean([each["faithfulness"].get(name) for each in found])
                for name in dict.fromkeys(name for each in found for name in each["faithfulness"])
            },
        }
        for method, found in by_method.items()
    ]


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None and not is_missing(value)]
    return sum(known) / len(known) if known else None
