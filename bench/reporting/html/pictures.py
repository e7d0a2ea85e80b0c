"""Pictures beside records and of the analysis, inline, within a limit of bytes."""

import base64
import io
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from PIL import Image

from bench.records.schema import Case
from bench.reporting.html.source import Source
from fmnist_jax.errors import in_one_line

log = logging.getLogger("fmnist_jax")

LIMIT = 6 * 2**20  # bytes of all pictures of a page, before they are encoded
_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Picture:
    """A PNG file as text.

    Attributes:
        caption: what it is of.
        uri: a data URI.
    """

    caption: str
    uri: str


class Album:
    """Reads pictures until a page has enough bytes of them.

    Attributes:
        left_out: how many pictures had no room.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self._room = limit
        self.left_out = 0

    def read(self, path: Path, caption: str, width: int | None = None) -> Picture | None:
        """Read a picture; None where it cannot be read, is no PNG file or has no room.

        Args:
            path: of a PNG file.
            caption: what it is of.
            width: pixels to which a wider picture is reduced; None is as it is.
        """
        try:
            content = path.read_bytes()
        except OSError as error:
            log.warning("leaving %s out of the page: %s", path, error.strerror)
            return None
        if not content.startswith(_PNG):
            log.warning("leaving %s out of the page: it is no PNG file", path)
            return None
        try:
            content = content if width is None else reduce(content, width)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            log.warning("leaving %s out of the page: %s", path, in_one_line(error))
            return None
        if len(content) > self._room:
            self.left_out += 1
            return None
        self._room -= len(content)
        return Picture(caption, f"data:image/png;base64,{base64.b64encode(content).decode()}")


def reduce(content: bytes, width: int) -> bytes:
    """Encode a PNG file again: at most `width` pixels wide, of 256 colours.

    Raises:
        OSError, ValueError, SyntaxError, DecompressionBombError: it is damaged or too large.
    """
    with Image.open(io.BytesIO(content), formats=["PNG"]) as opened:
        picture = opened.convert("RGB")
    if picture.width > width:
        height = max(1, round(picture.height * width / picture.width))
        picture = picture.resize((width, height), Image.Resampling.LANCZOS)
    small = io.BytesIO()
    # Of the methods the one that keeps the rare colours of small marks; k-means keeps greys grey.
    palette = picture.quantize(256, Image.Quantize.MAXCOVERAGE, kmeans=1, dither=Image.Dither.NONE)
    palette.save(small, format="PNG", optimize=True)
    return min(small.getvalue(), content, key=len)


def read_gallery(source: Source, kind: str, album: Album) -> list[Picture]:
    """Return one picture of each model and dataset, of its newest run that has one."""
    found: dict[tuple[str, str], tuple[Path, str]] = {}
    for row, case, path in _newest_first(source, kind):
        seed = f", seed {case.seed}" if row["seeds"] > 1 else ""
        caption = f"{case.model}{seed}: {source.place(row)}"
        found.setdefault((case.dataset, case.model), (path, caption))
    pictures = [album.read(path, caption) for path, caption in found.values()]
    return [picture for picture in pictures if picture]


def _newest_first(source: Source, kind: str) -> Iterator[tuple[pd.Series, Case, Path]]:
    """Yield the runs behind the rows that have an artefact of a kind, a model after the other."""
    for _, rows in source.models.groupby(["synthetic", "dataset", "model"], sort=False):
        runs = [
            (run["run.started"], run["run.id"], row)
            for _, row in rows.iterrows()
            for _, run in row["runs"].iterrows()
        ]
        for _, run_id, row in sorted(runs, key=lambda run: run[0], reverse=True):
            stored = source.stored[run_id]
            if path := stored.artifact(kind):
                yield row, stored.record.case, path
