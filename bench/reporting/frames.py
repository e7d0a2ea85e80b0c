"""Read a results folder into the frames that sections take."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt
import pandas as pd

from bench.peers import frame as peers_frame
from bench.peers import schema as peers_schema
from bench.records import frame as records_frame
from bench.records import store
from bench.records.schema import Record
from bench.records.store import Stored
from bench.reporting.metric import all_metrics

UNREADABLE = (OSError, ValueError, KeyError, EOFError, BadZipFile)  # what a damaged file raises
Frames = dict[Literal["records", "peers"], pd.DataFrame]


def read_frames(results: Path, folder: str | None = None) -> Frames:
    """Read all records and comparisons of a results folder.

    Args:
        results: the results folder.
        folder: identity of the folder whose records count as one's own; the others are
            marked as published. None marks none.
    """
    comparisons = list(peers_schema.read(results))
    return {
        "records": stored_to_frame(list(store.read(results)), folder),
        "peers": peers_frame.to_frame(comparisons, folder),
    }


def records_to_frame(records: list[Record], folder: str | None = None) -> pd.DataFrame:
    """Return one row per record, with a column for each metric.

    `predictions`, the path of `predictions.npz`, is null: a record does not know where it lies.
    """
    return records_frame.to_frame(records, all_metrics(), folder).assign(predictions=None)


def stored_to_frame(stored: Sequence[Stored], folder: str | None = None) -> pd.DataFrame:
    """Return one row per record as `records_to_frame` does, with the paths of the predictions."""
    paths = [found.artifact("predictions") for found in stored]
    return records_to_frame([found.record for found in stored], folder).assign(
        predictions=pd.Series([path and str(path) for path in paths], dtype="object")
    )


def read_predictions(path: str) -> tuple[npt.NDArray[np.floating], npt.NDArray[np.integer]]:
    """Return the test probabilities [n, classes] and labels [n] that lie beside a record.

    Raises:
        UNREADABLE: the file is damaged or gone.
    """
    with Path(path).open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        return arrays["test"], arrays["test_labels"]
