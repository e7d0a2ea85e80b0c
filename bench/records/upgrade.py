"""Upgrade the JSON of an older schema to the newest one, one schema at a time."""

from typing import Any

from bench.records.schema import SCHEMA


def upgrade(record: dict[str, Any]) -> dict[str, Any]:
    """Return `record` in the newest schema; one of an unknown schema is returned as it is.

    Raises:
        KeyError, TypeError, AttributeError: `record` does not follow its own schema.
    """
    while record.get("schema") in _STEPS and record["schema"] != SCHEMA:
        record = _STEPS[record["schema"]](record)
    return record


def _from_1(record: dict[str, Any]) -> dict[str, Any]:
    """Say whether the data are synthetic, and move the grid point out of the config."""
    case = record["case"]
    config = dict(case["config"])
    added = {
        "synthetic": case["dataset"] == "synthetic",
        "point": config.pop("grid", None),
        "config": config,
    }
    return record | {"schema": 2, "case": case | added}


_STEPS = {1: _from_1}
