"""The analysis of the raw data, where `python -m bench analyze` has made one."""

import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.reporting.html.pictures import Album, Picture
from fmnist_jax.errors import in_one_line, printable

SUMMARY = 10  # number of that part
log = logging.getLogger("fmnist_jax")


@dataclass(frozen=True)
class AnalysisPart:
    """One part of an analysis.

    Attributes:
        number: of the part.
        title: heads it, with the dataset.
        lines: name and text of its main results.
        pictures: its figures.
    """

    number: int
    title: str
    lines: list[tuple[str, str]]
    pictures: list[Picture]


def read_analysis(folder: Path, digests: set[str], album: Album) -> list[AnalysisPart]:
    """Return the parts of the analyses in `folder` of the datasets that the records used.

    Args:
        folder: with a folder per dataset, of a JSON file and figures per part.
        digests: SHA-256 of those datasets.
        album: takes the figures.
    """
    found = []
    for path in sorted(folder.glob("*/[0-9][0-9]_*.json")):
        try:
            document = json.loads(path.read_bytes())
            if document["dataset"]["sha256"] in digests:
                found.append(_part(document, path.parent, album))
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.warning("leaving %s out of the page: %s", path, in_one_line(error))
    # The summary is what a reader wants first.
    return sorted(found, key=lambda part: part.number != SUMMARY)


def _part(document: dict[str, Any], folder: Path, album: Album) -> AnalysisPart:
    dataset, title = document["dataset"], str(document["title"])
    warning = " (SYNTHETIC DATA)" if dataset["synthetic"] else ""
    files = [folder / Path(name).name for name in document["figures"]]
    pictures = [album.read(file, f"{title}: {_describe(file)}") for file in files]
    return AnalysisPart(
        number=int(document["number"]),
        title=printable(f"{title}, {dataset['name']}{warning}"),
        # Older analyses have figures alone.
        lines=[(printable(name), printable(line)) for name, line in document.get("digest", [])],
        pictures=[picture for picture in pictures if picture],
    )


def _describe(file: Path) -> str:
    """Return the last part of a figure's name, as in `03_quality_outliers.png`."""
    return file.stem.split("_", 2)[-1].replace("_", " ")
