"""Read a results folder into what a page is made from."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from bench.peers import frame as peers_frame
from bench.peers import schema as peers_schema
from bench.records import store
from bench.records.store import Stored
from bench.reporting.frames import Frames, stored_to_frame
from bench.reporting.query import by_model
from bench.reporting.section import describe


@dataclass(frozen=True)
class Source:
    """The content of a results folder.

    Attributes:
        stored: records with their files, by run id, oldest first.
        frames: what sections take.
        models: one row per model and machine, as of `by_model`.
    """

    stored: Mapping[str, Stored]
    frames: Frames
    models: pd.DataFrame

    @cached_property
    def is_mixed(self) -> bool:
        """Whether some rows are published and some are one's own."""
        return bool(self.models["published"].nunique() > 1)

    @cached_property
    def settings(self) -> list[str]:
        """The datasets and sizes of the rows, in order."""
        return list(dict.fromkeys(setting(row) for _, row in self.models.iterrows()))

    def place(self, row: pd.Series) -> str:
        """Name the machine and, where several were used, the data of a row of `models`."""
        machine = str(row["machine"]) + ("†" if row["published"] and self.is_mixed else "")
        several = len(self.settings) > 1
        return f"{machine}, {setting(row)}" if several or row["synthetic"] else machine

    @property
    def records(self) -> pd.DataFrame:
        """One row per record."""
        return self.frames["records"]


def read_source(results: Path) -> Source:
    """Read all records and comparisons; those of another folder count as published."""
    folder = store.read_folder_id(results) or ""
    stored = {found.record.run.id: found for found in store.read(results)}
    records = stored_to_frame(list(stored.values()), folder)
    peers = peers_frame.to_frame(list(peers_schema.read(results)), folder)
    return Source(stored, {"records": records, "peers": peers}, by_model(records))


def setting(row: pd.Series) -> str:
    """Say which data a row is of, with the warning of synthetic ones."""
    named = {str(name): value for name, value in row.items()}
    return describe(named) + (" (SYNTHETIC DATA)" if row["synthetic"] else "")
