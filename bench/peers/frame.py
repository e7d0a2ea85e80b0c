"""Put comparisons into a pandas DataFrame, one row per framework variant and measure."""

from collections.abc import Iterable
from typing import Any

import pandas as pd

from bench.peers.schema import Comparison

_COLUMNS = (
    "id", "started", "machine", "synthetic", "contended", "published", "model", "parameters",
    "dtype", "flip", "threads", "rounds", "name", "framework", "status", "error", "kind",
    "batch", "images_per_s",
)  # fmt: skip


def to_frame(comparisons: Iterable[Comparison], folder: str | None = None) -> pd.DataFrame:
    """Return a row per measure of each variant; `images_per_s` is a list over the rounds.

    A variant of which nothing was measured has one row, without `kind`.

    Args:
        comparisons: in the order of their start.
        folder: identity of the results folder whose own comparisons these are; one of
            another folder is `published`. None: none of them is.
    """
    rows = [row for comparison in comparisons for row in _rows(comparison, folder)]
    return pd.DataFrame(rows, columns=list(_COLUMNS))


def _rows(comparison: Comparison, folder: str | None) -> list[dict[str, Any]]:
    shared = {
        "id": comparison.id,
        "started": comparison.started,
        "machine": comparison.machine.id,
        "synthetic": False,  # no figure here depends on the images
        "contended": comparison.contended,
        "published": folder is not None and comparison.folder != folder,
        "dtype": comparison.config.dtype,
        "flip": comparison.config.flip,
        "threads": comparison.config.threads,
        "rounds": comparison.config.rounds,
    }
    return [
        shared
        | {
            "model": entry.model,
            "parameters": entry.parameters,
            "name": entry.name,
            "framework": entry.framework,
            "status": entry.status,
            "error": entry.error,
            "kind": samples and samples.kind,
            "batch": samples and samples.batch,
            "images_per_s": samples and samples.images_per_s,
        }
        for entry in comparison.entries
        for samples in (entry.samples or (None,))
    ]
