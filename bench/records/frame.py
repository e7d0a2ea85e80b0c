"""Put records into a pandas DataFrame, one row per record."""

import io
import json
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Literal

import pandas as pd
from pydantic import BaseModel

from bench.records.schema import Record

Derived = Mapping[str, Callable[[Record], float | None]]
_DTYPES = {int: "Int64", float: "float64", bool: "boolean", datetime: "datetime64[ns, UTC]"}


def to_frame(
    records: Iterable[Record], derived: Derived | None = None, folder: str | None = None
) -> pd.DataFrame:
    """Return one row per record, in the order of `records`.

    Columns have the record's own names with dots (`quality.test_accuracy`); lists and
    free-form objects stay Python objects. All columns are there without any record, too.

    Args:
        records: in the newest schema.
        derived: further columns by name, each a function of the record.
        folder: identity of the results folder whose own records these are; a record of
            another folder is `published`. None: none of them is.
    """
    derived = derived or {}
    records = list(records)
    columns: dict[str, list[Any]] = {name: [] for name, _ in _fields(Record)}
    for record in records:
        for name, values in columns.items():
            values.append(_value(record, name))
    frame = pd.DataFrame(
        {
            name: pd.Series(columns[name], dtype=_DTYPES.get(kind, "object"))
            for name, kind in _fields(Record)
        }
    )
    for name, function in derived.items():
        frame[name] = pd.Series([function(record) for record in records], dtype="float64")
    frame["published"] = pd.Series(
        [folder is not None and record.run.folder != folder for record in records], dtype="bool"
    )
    return frame


def to_parquet(frame: pd.DataFrame) -> bytes:
    """Return the frame as a parquet file.

    Lists of numbers stay lists; other objects have a form of their own in each row and
    become JSON text.
    """
    plain = frame.copy()
    for name in plain.columns[plain.dtypes == "object"]:
        if not all(value is None or _is_numeric(value) for value in plain[name]):
            plain[name] = [_as_text(value) for value in plain[name]]
    out = io.BytesIO()
    plain.to_parquet(out, index=False)
    return out.getvalue()


def _is_numeric(value: Any) -> bool:
    if isinstance(value, list):
        return all(_is_numeric(item) for item in value)
    return isinstance(value, int | float)


def _as_text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value)


def _fields(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the dotted name and the type of every leaf of the schema."""
    for name, field in model.model_fields.items():
        kind, dotted = _unwrap(field.annotation), f"{prefix}{name.rstrip('_')}"
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _fields(kind, f"{dotted}.")
        else:
            yield dotted, kind


def _unwrap(annotation: Any) -> Any:
    """Return X of `X | None` and of a constrained X, and the type of a literal's values."""
    if typing.get_origin(annotation) is typing.Annotated:
        return _unwrap(typing.get_args(annotation)[0])
    if typing.get_origin(annotation) is Literal:
        return type(typing.get_args(annotation)[0])
    if isinstance(annotation, types.UnionType):
        kinds = [kind for kind in typing.get_args(annotation) if kind is not type(None)]
        return _unwrap(kinds[0]) if len(kinds) == 1 else object
    return annotation


def _value(record: Record, dotted: str) -> Any:
    """Return what stands under a dotted name; None where a part of it is missing."""
    value: Any = record
    for name in dotted.split("."):
        value = getattr(value, "schema_" if value is record and name == "schema" else name)
        if value is None:
            return None
    return _plain(value)


def _plain(value: Any) -> Any:
    """Return models as dicts, also within lists and dicts."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value
