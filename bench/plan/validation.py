"""Validate a document against a pydantic model, with errors of one line."""

import json
import types
import typing
from typing import Any

from pydantic import BaseModel, ValidationError

from fmnist_jax.errors import UserError, nearest

M = typing.TypeVar("M", bound=BaseModel)


def validate(model: type[M], document: dict[str, Any], prefix: str = "") -> M:
    """Make a `model` of `document` with strict types: neither true nor "3" is a number.

    Args:
        model: the class.
        document: its values, as read from TOML and --set.
        prefix: written before the names of its fields ("resnet.").

    Raises:
        UserError: an unknown key or a bad value; the message names the field.
    """
    try:
        text = json.dumps(document, default=str)
    except (ValueError, RecursionError):
        raise UserError(
            "the config nests too deeply, or has a number of thousands of digits"
        ) from None
    try:
        return model.model_validate_json(text, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        loc = [str(part) for part in first["loc"]]
        field = (prefix + ".".join(p for p in loc if not _is_union_tag(p))).rstrip(".")
        if first["type"] == "extra_forbidden":
            owner = _owner(model, loc[:-1])
            before = field.removesuffix(loc[-1])
            raise UserError(
                f"unknown key {field!r}: {nearest(loc[-1], owner.model_fields, before)}"
            ) from None
        problem = first["msg"].lower().removeprefix("value error, ")
        problem = problem.replace("an object", "a table")  # as TOML calls it
        raise UserError(f"{field}: {problem}, got {shorten(first['input'])}") from None


def shorten(value: object) -> str:
    """Represent `value` in at most 80 characters."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _is_union_tag(part: str) -> bool:
    """Whether pydantic put `part` into an error's location to name a branch of a union."""
    return part.startswith(("literal[", "constrained-")) or part in ("int", "float", "none")


def _owner(model: type[BaseModel], path: list[str]) -> type[BaseModel]:
    """Return the nested config class at `path`."""
    for part in path:
        annotation = model.model_fields[part].annotation
        options = (
            typing.get_args(annotation)
            if typing.get_origin(annotation) in (typing.Union, types.UnionType)
            else (annotation,)
        )
        model = next(o for o in options if isinstance(o, type) and issubclass(o, BaseModel))
    return model
