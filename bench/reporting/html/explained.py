"""Explanations by several methods side by side, where `python -m bench gradcam` has made some."""

import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from bench.reporting.html.pictures import Album, Picture
from bench.reporting.html.source import Source
from bench.reporting.rendering.formats import render
from bench.reporting.section import Column, Section, describe
from bench.reporting.sections import explanations
from fmnist_jax.errors import in_one_line

EXPLANATIONS = "explanations.json"
SHEET = "sheet.png"
WIDTH = 1600  # pixels of a contact sheet
NOTE = (
    "the maps of the controls are ones that no network has made: a method that does not beat them "
    "explains nothing"
)
log = logging.getLogger("fmnist_jax")


@dataclass(frozen=True)
class Explained:
    """Images of one record, explained.

    Attributes:
        table: the methods, then the controls, with their faithfulness.
        pictures: the contact sheet, if it could be read: methods across, images down.
    """

    table: Markup
    pictures: list[Picture]


def read_explained(folder: Path, source: Source, album: Album) -> list[Explained]:
    """Return the explanations in `folder` of the records that are shown.

    Args:
        folder: with a folder per model; it may be missing.
        source: the records.
        album: takes the contact sheets.
    """
    found = []
    for path in sorted(folder.glob(f"*/{EXPLANATIONS}")):
        try:
            document = json.loads(path.read_bytes())
            if document["run"] in source.stored:
                found.append(_explained(document, path.parent, source, album))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            log.warning("leaving %s out of the page: %s", path, in_one_line(error))
    return found


def _explained(document: dict[str, Any], folder: Path, source: Source, album: Album) -> Explained:
    runs = source.records
    (run,) = [run for _, run in runs[runs["run.id"] == document["run"]].iterrows()]
    case = source.stored[run["run.id"]].record.case
    data = describe(case.config["data"] | {"dataset": case.dataset})
    title = f"{case.model}, seed {case.seed}, layer {document['layer']}: {data}"
    notes = [f"means over the images that were chosen, {len(document['images'])} in all", NOTE]
    rows = [
        {
            "method": str(each["method"]),
            "kind": "control" if each["control"] else "method",
            "images": len(document["images"]),
            "synthetic": bool(case.synthetic),
            "contended": False,
            "published": bool(run["published"]),
        }
        | {explanations.PREFIX + name: mean for name, mean in each["faithfulness"].items()}
        for each in document["methods"]
    ]
    section = Section("explained", title, lambda _: pd.DataFrame(rows), _columns, notes, by=())
    warning = " (SYNTHETIC DATA)" if case.synthetic else ""
    table = Markup(render(section, runs, "html"))  # what comes from outside is escaped there
    sheet = album.read(folder / SHEET, f"{title}{warning}; methods across, images down", WIDTH)
    return Explained(table, [sheet] if sheet else [])


def _columns(rows: pd.DataFrame) -> list[Column]:
    """Return the columns of the section of all explanations that these rows have, and the kind."""
    method, *measures = [each for each in explanations.columns(rows) if each.value in rows]
    return [method, Column("kind", "kind", align="left"), *measures]
