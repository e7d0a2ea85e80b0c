"""The results folder: append-only, every file written whole or not at all."""

import hashlib
import logging
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import from_json

from bench.records import identity
from bench.records.schema import SCHEMA, Artifact, Record
from bench.records.upgrade import upgrade
from fmnist_jax.errors import UserError
from fmnist_jax.system import files
from fmnist_jax.system.files import write_atomically

log = logging.getLogger("fmnist_jax")

RECORDS = "*/*/*/*.json"
FOLDER_ID = ".folder-id"  # git-ignored


@dataclass(frozen=True)
class Stored:
    """A record and the file it was read from."""

    path: Path
    record: Record

    def artifact(self, kind: str) -> Path | None:
        """The first artefact of a kind that is still there; never a file of another folder."""
        for artifact in self.record.artifacts:
            inside = Path(artifact.path)
            if artifact.kind != kind or inside.is_absolute() or ".." in inside.parts:
                continue
            path = self.path.parent / inside
            with suppress(OSError):  # a folder that may not be searched
                if path.is_file():
                    return path
        return None


def check_writable(results: Path) -> None:
    """Find out before hours of work whether their result can be kept.

    Raises:
        UserError: the folder cannot be made or written to.
    """
    try:
        files.check_writable(results)
    except OSError as error:
        raise UserError(
            f"cannot write to the results folder {results}: {error.strerror}; "
            "choose another with --results"
        ) from None


def folder_id(results: Path) -> str:
    """Return the identity of a results folder, which its first run gives it.

    It lies in a file that git ignores, so that every clone of the records has its own.

    Raises:
        UserError: the folder cannot be written to, or the file is damaged.
    """
    path = results / FOLDER_ID
    try:
        if not path.exists():
            results.mkdir(parents=True, exist_ok=True)
            _create(path, secrets.token_hex(8).encode())
        text = path.read_text(errors="replace").strip()
    except OSError as error:
        raise UserError(f"cannot write to {path}: {error.strerror or error}") from None
    if not re.fullmatch("[0-9a-f]{16}", text):
        raise UserError(f"{path} is damaged: delete it, and the next run makes a new one")
    return text


def read_folder_id(results: Path) -> str | None:
    """Return the identity of a results folder; None where no run has given it one."""
    with suppress(OSError):
        return (results / FOLDER_ID).read_text(errors="replace").strip()
    return None


def has_id(results: Path, folder: str) -> bool:
    """Whether a path leads to the results folder of this identity, as on a shared disk."""
    return read_folder_id(results) == folder


def _create(path: Path, content: bytes) -> None:
    """Write `path` whole, unless another process has: a link, unlike a rename, replaces nothing."""
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(8)}.partial")
    write_atomically(temporary, content)
    try:
        os.link(temporary, path)
    except FileExistsError:
        pass
    except OSError:  # a file system without hard links
        if not path.exists():
            temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write(results: Path, record: Record, artifacts: Mapping[str, tuple[str, bytes]]) -> Stored:
    """Add a record and its artefacts.

    The record is written last, so that one that can be read is complete.

    Args:
        results: the results folder.
        record: without its artefacts, which are listed here.
        artifacts: file name -> (kind, content).

    Raises:
        UserError: the folder cannot be written to.
    """
    stem = f"{record.run.started:%Y%m%dT%H%M%SZ}-{record.run.id}"
    folder = results / record.machine.id / record.case.dataset / record.case.model
    listed = [
        Artifact(kind=kind, path=f"{stem}/{name}", sha256=hashlib.sha256(content).hexdigest())
        for name, (kind, content) in artifacts.items()
    ]
    record = record.model_copy(update={"artifacts": listed})
    path = folder / f"{stem}.json"
    try:
        for name, (_, content) in artifacts.items():
            (folder / stem).mkdir(parents=True, exist_ok=True)
            write_atomically(folder / stem / name, content)
        text = record.model_dump_json(by_alias=True, indent=1)
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(path, f"{_compact(text)}\n".encode())
    except OSError as error:
        shutil.rmtree(folder / stem, ignore_errors=True)
        raise UserError(f"cannot write the record {path}: {error.strerror or error}") from None
    return Stored(path, record)


def read(results: Path, pattern: str = RECORDS, seen: set[Path] | None = None) -> Iterator[Stored]:
    """Every record in the folder, oldest first; what cannot be read is named and left alone.

    Args:
        results: the results folder, which may not be there.
        pattern: of the records that are wanted.
        seen: files not to read again; those that are read now are added.
    """
    seen = set() if seen is None else seen
    try:
        paths = sorted(set(results.glob(pattern)) - seen, key=lambda path: path.name)
    except OSError as error:  # the folder is being deleted
        log.warning("cannot look into %s: %s", results, error.strerror)
        return
    seen.update(paths)
    for path in paths:
        try:
            yield Stored(path, _parse(path.read_bytes()))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            log.warning("leaving %s alone, it is no valid record: %s", path, _reason(error))


def _parse(content: bytes) -> Record:
    document = from_json(content)
    return Record.model_validate(upgrade(document) if isinstance(document, dict) else document)


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error)
    if not isinstance(error, ValidationError):
        kind = "Invalid JSON" if isinstance(error, ValueError) else type(error).__name__
        return f"{kind}: {error}"
    first = error.errors()[0]
    if first["loc"] == ("schema",) and isinstance(first["input"], int) and first["input"] > SCHEMA:
        return f"schema {first['input']} is newer than this version's {SCHEMA}, so update the suite"
    return " ".join(f"{'.'.join(map(str, first['loc']))} {first['msg']}".split())


def finished(
    results: Path, pattern: str = RECORDS, seen: set[Path] | None = None
) -> dict[str, Stored]:
    """Return the newest finished record of each run, by `identity.digest_record`.

    A record without a folder is nobody's own work. Arguments as of `read`.
    """
    return {
        identity.digest_record(stored.record): stored
        for stored in read(results, pattern, seen)
        if stored.record.run.status == "ok" and stored.record.run.folder
    }


def _compact(text: str) -> str:
    """Indented JSON with every list of numbers on one line."""
    # A string has no bare line break, so none is taken for a list.
    return re.sub(r"\[\n[\s\d.,eE+-]*\]", lambda found: re.sub(r"\s+", "", found[0]), text)
