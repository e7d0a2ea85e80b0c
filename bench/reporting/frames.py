"""Read a results folder into the frames that sections take."""

from pathlib import Path
from typing import Literal

import pandas as pd

from bench.peers import frame as peers_frame
from bench.peers import schema as peers_schema
from bench.records import frame as records_frame
from bench.records import store
from bench.records.schema import Record
from bench.records.store import Stored
from bench.reporting.metric import all_metrics

Frames = dict[Literal["records", "peers"], pd.DataFrame]


def read_frames(results: Path, folder: str | None = None) -> Frames:
    """Read all records and comparisons of a results folder.

    Args:
        results: the results folder.
        folder: identity of the folder whose records count as one's own; the others are
            marked as published. None marks none.
    """
    stored = list(store.read(results))
    records = records_to_frame([found.record for found in stored], folder)
    comparisons = list(peers_schema.read(results))
    return {
        "records": records.assign(predictions=pd.Series(map(predictions, stored), dtype="object")),
        "peers": peers_frame.to_frame(comparisons, folder),
    }


def records_to_frame(records: list[Record], folder: str | None = None) -> pd.DataFrame:
    """Return one row per record, with a column for each metric.

    `predictions`, the path of `predictions.npz`, is null: a record does not know where it lies.
    """
    return records_frame.to_frame(records, all_metrics(), folder).assign(predictions=None)


def predictions(stored: Stored) -> str | None:
    """Return the path of the predictions beside a record, where they are there."""
    path = stored.artifact("predictions")
    return str(path) if path else None
