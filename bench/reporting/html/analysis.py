"""The analysis of the raw data, where `python -m bench analyze` has made one."""

import json
import logging
from dataclasses import dataclass
from pathlib import Path

from bench.reporting.html.pictures import Album, Picture
from fmnist_jax.errors import UserError, printable
from fmnist_jax.system.child import in_one_line

log = logging.getLogger("fmnist_jax")


@dataclass(frozen=True)
class AnalysisPart:
    """One part of an analysis.

    Attributes:
        title: heads it, with the dataset.
        lines: name and text of its main results.
        pictures: its figures.
    """

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
        except (OSError, ValueError, KeyError, TypeError, UserError) as error:
            log.warning("leaving %s out of the page: %s", path, in_one_line(error))
    # The summary is what a reader wants first.
    return sorted(found, key=lambda part: "Summary" not in part.title)


def _part(document: dict, folder: Path, album: Album) -> AnalysisPart:  # type: ignore[type-arg]
    from fmnist_jax.analysis.base import PARTS

    part = PARTS[document["part"]].model_validate(document["result"])
    dataset = document["dataset"]
    warning = " (SYNTHETIC DATA)" if dataset["synthetic"] else ""
    files = [folder / Path(name).name for name in document["figures"]]
    pictures = [album.read(file, f"{part.title}: {_describe(file)}") for file in files]
    return AnalysisPart(
        title=f"{part.title}, {dataset['name']}{warning}",
        lines=[(printable(name), printable(line)) for name, line in part.digest()],
        pictures=[picture for picture in pictures if picture],
    )


def _describe(file: Path) -> str:
    """Return the last part of a figure's name, as in `03_quality_outliers.png`."""
    return file.stem.split("_", 2)[-1].replace("_", " ")
