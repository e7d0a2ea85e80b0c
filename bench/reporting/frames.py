"""Read a results folder into the frames that sections take."""

from pathlib import Path
from typing import Literal

import pandas as pd

from bench.peers import frame as peers_frame
from bench.peers import schema as peers_schema
from bench.records import frame as records_frame
from bench.records import store
from bench.records.schema import Record
from bench.reporting.metric import all_metrics

Frames = dict[Literal["records", "peers"], pd.DataFrame]


def read_frames(results: Path, folder: str | None = None) -> Frames:
    """Read all records and comparisons of a results folder.

    Args:
        results: the results folder.
        folder: identity of the folder whose records count as one's own; the others are
            marked as published. None marks none.
    """
    records = [stored.record for stored in store.read(results)]
    comparisons = list(peers_schema.read(results))
    return {
        "records": records_to_frame(records, folder),
        "peers": peers_frame.to_frame(comparisons, folder),
    }


def records_to_frame(records: list[Record], folder: str | None = None) -> pd.DataFrame:
    """Return one row per record, with a column for each metric."""
    return records_frame.to_frame(records, all_metrics(), folder)
