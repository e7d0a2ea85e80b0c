"""Make a Plan of a TOML file, --set and the options of the command line."""

import tomllib
from collections.abc import Iterable
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from bench.plan.limits import check_size
from bench.plan.plan import Plan, Point
from bench.plan.validation import shorten, validate
from fmnist_jax.errors import UserError, nearest
from fmnist_jax.learner import LEARNERS
from fmnist_jax.system.paths import parse_path


def load(
    config: str | None,
    assignments: Iterable[str] = (),
    **options: Any,
) -> Plan:
    """Read a config, apply --set, then the command line's own options.

    Args:
        config: a file, or the name of one of the suite's configs ("smoke"); None is
            "default".
        assignments: KEY=VALUE, with the value in TOML (bare words are strings);
            `resnet.epochs` is short for `model.resnet.epochs`.
        options: fields of Plan by name; None leaves a field as it is.

    Raises:
        UserError: an unknown name or a bad value; the message names it.
    """
    document = _read(config or "default")
    for assignment in assignments:
        _assign(document, assignment)
    document |= {key: value for key, value in options.items() if value is not None}
    for key in document:
        if key not in Plan.model_fields and key in LEARNERS.catalogue:
            raise UserError(f"unknown key {key!r}: did you mean [model.{key}]?")
    plan = validate(Plan, document)
    for name in (*plan.models, *plan.model, *plan.grid):
        LEARNERS.check(name)
    points = {name: plan.count_points(name) for name in (*plan.grid, *plan.names())}
    check_size(points, plan.seeds * sum(points[name] for name in plan.names()))
    # Tables of models that this run leaves out are checked as well.
    for name in dict.fromkeys((*plan.model, *plan.grid)):
        for point in plan.points(name):
            _check_free(plan, name, point)
            plan.learner(name, point)
    return plan


def named_configs() -> dict[str, Traversable]:
    """Return the suite's own configs by name, both in a checkout and in an installed wheel."""
    paths = sorted((files("bench") / "configs").iterdir(), key=lambda path: path.name)
    return {path.name[:-5]: path for path in paths if path.name.endswith(".toml")}


def _check_free(plan: Plan, name: str, point: Point) -> None:
    for field in plan.model.get(name, {}):
        if field in point:
            raise UserError(
                f"{name}.{field} is both set and varied: remove it from [model.{name}] and --set, "
                f"or set grid.{name}.{field} to a list"
            )


def _read(config: str) -> dict[str, Any]:
    configs = named_configs()
    path = configs.get(config) or parse_path(config)
    try:
        # Editors on Windows put a byte order mark before UTF-8.
        return _parse(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        raise UserError(f"no config {config}: {nearest(Path(config).stem, configs)}") from None
    except OSError as error:
        raise UserError(f"cannot read config {config}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UserError(f"cannot read config {config}: it is not UTF-8 text, save it so") from None
    except ValueError as error:
        raise UserError(f"cannot read config {config}: {error}") from None


def _parse(text: str) -> dict[str, Any]:
    """Read TOML.

    Raises:
        ValueError: it is not TOML, or nested too deeply to be read.
    """
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _assign(document: dict[str, Any], assignment: str) -> None:
    key, equals, text = assignment.partition("=")
    parts = [part.strip() for part in key.split(".")]
    if not equals or not all(parts):
        raise UserError(
            f"--set {shorten(assignment)} is not KEY=VALUE, as in --set resnet.epochs=5"
        )
    if parts[0] not in Plan.model_fields:
        if len(parts) == 1:
            valid = [*Plan.model_fields, *(f"{name}.FIELD" for name in LEARNERS.catalogue)]
            raise UserError(f"unknown key {key!r}: {nearest(parts[0], valid)}")
        _check_first(parts[0])
        parts.insert(0, "model")
    *folders, last = parts
    for folder in folders:
        if not isinstance(document.get(folder), dict):
            document[folder] = {}
        document = document[folder]
    document[last] = parse_value(text)


def parse_value(text: str) -> Any:
    """Return the TOML value that `text` spells, else `text` itself."""
    try:
        parsed = _parse(f"value = {text}")
    except ValueError:
        return text.strip()
    return parsed["value"] if len(parsed) == 1 else text.strip()


def _check_first(name: str) -> None:
    valid = [*LEARNERS.catalogue, "data", "model", "grid"]
    if name not in valid:
        raise UserError(f"unknown model or table {name!r}: {nearest(name, valid)}")
