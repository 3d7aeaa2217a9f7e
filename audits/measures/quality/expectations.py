"""The expectations file: what a table must be like, checked before any data are read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from importlib import resources
from typing import Any

from registry.errors import InvalidInput
from registry.safe_yaml import load_yaml

_PASSED, _FAILED = "passed", "failed"
TIMED = frozenset({"date", "time"})
_LONGEST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one expectation.

    Attributes
    ----------
    expectation
        What it asks: ``type``, ``not_null``, ``min``, ``matches`` ..., or the name that another tool gives it.
    column
        The column; empty for the table as a whole.
    observed, expected
        In words and numbers, never values of single rows.
    status
        ``passed``, ``failed``, or ``error`` where it could not be examined, which is no pass.
    source
        Who examined it: ``expectations``, ``pandera``, ``great_expectations``.
    valid, of
        How many values keep it, of how many; ``None`` where it is not about single values.
    """

    expectation: str
    column: str
    observed: str
    expected: str
    status: str
    source: str = "expectations"
    valid: int | None = None
    of: int | None = None

    def as_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return {name: getattr(self, name) for name in Outcome.__slots__}


def outcome(
    expectation: str,
    column: str,
    *,
    kept: bool,
    observed: str,
    expected: str,
    counts: tuple[int, int] | None = None,
) -> Outcome:
    """An outcome of our own."""
    valid, of = counts or (None, None)
    return Outcome(
        expectation=expectation,
        column=column,
        observed=observed,
        expected=expected,
        status=_PASSED if kept else _FAILED,
        valid=valid,
        of=of,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectations:
    """A file of expectations that has passed its schema.

    Attributes
    ----------
    columns
        Column to what is expected of it, as in the file.
    table
        What is expected of the table.
    """

    columns: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    table: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The document."""
        return {
            **({"columns": {name: dict(asked) for name, asked in self.columns.items()}} if self.columns else {}),
            **({"table": dict(self.table)} if self.table else {}),
        }

    @property
    def needs_reference(self) -> bool:
        """Whether any column refers to the reference data."""
        return any("references" in asked for asked in self.columns.values())


def read_expectations(data: bytes, what: str) -> Expectations:
    """Read a YAML file of expectations.

    Raises
    ------
    InvalidInput
        If it is not well-formed YAML, or as :func:`parse_expectations`.
    """
    return parse_expectations(load_yaml(data, what=what), what)


def parse_expectations(document: Any, what: str = "expectations") -> Expectations:
    """Check a document of expectations.

    Raises
    ------
    InvalidInput
        Naming the path (``columns.age.min``) of the first key that is unknown, of the wrong type or impossible: bounds
        that exclude each other, a regular expression that RE2 does not accept, a date that is none.
    """
    errors = sorted(
        _validator().iter_errors(document), key=lambda error: (list(map(str, error.absolute_path)), error.message)
    )
    if errors:
        path, message = _explain(errors[0])
        raise InvalidInput(f"{what}: {path + ': ' if path else ''}{message}", field=path or "expectations")
    found = Expectations(columns=document.get("columns") or {}, table=document.get("table") or {})
    for column, asked in found.columns.items():
        _check_column(asked, f"columns.{column}", what)
    if "rows" in found.table:
        _check_span(found.table["rows"], "table.rows", what)
    return found


def moment(value: Any) -> datetime | None:
    """A date or time written as in ISO 8601, or ``None``."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)  # noqa: DTZ001 - data hold times without a zone
    if not isinstance(value, str):
        return None
    try:
        return datetime.fromisoformat(value).replace(tzinfo=None)
    except ValueError:
        return None


@cache
def _validator() -> Any:
    from jsonschema import Draft202012Validator

    schema = resources.files("audits.measures.quality").joinpath("expectations.schema.json").read_text(encoding="utf-8")
    return Draft202012Validator(json.loads(schema))


def _explain(error: Any) -> tuple[str, str]:
    path = ".".join(str(part) for part in error.absolute_path)
    if error.validator == "additionalProperties":
        known = sorted(error.schema.get("properties", {}))
        extra = min(set(error.instance) - set(known))
        return f"{path}.{extra}" if path else extra, f"unknown key; known here: {', '.join(known)}"
    if error.validator == "required":
        missing = min(set(error.validator_value) - set(error.instance))
        return f"{path}.{missing}" if path else missing, "is required"
    shown = _shown(error.instance)
    told = {
        "type": lambda: f"must be of type {_kinds(error.validator_value)}, not {shown}",
        "enum": lambda: f"must be one of {', '.join(error.validator_value)}, not {shown}",
        "anyOf": lambda: f"must be true, false or a share between 0 and 1, not {shown}",
        "minProperties": lambda: f"must hold at least one of {', '.join(sorted(error.schema['properties']))}",
    }.get(error.validator)
    return path, told() if told else _shortened(error.message)


def _kinds(wanted: str | list[str]) -> str:
    return wanted if isinstance(wanted, str) else " or ".join(wanted)


def _shown(value: Any) -> str:
    return _shortened(json.dumps(value, ensure_ascii=False))


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"


def _check_column(asked: Mapping[str, Any], path: str, what: str) -> None:
    kind = asked.get("type")
    for name in ("min", "max"):
        bound = asked.get(name)
        if isinstance(bound, str) and moment(bound) is None:
            _refuse(what, f"{path}.{name}", f"must be a number or a date such as 2026-01-31, not {_shown(bound)}")
        if bound is not None and kind is not None and isinstance(bound, str) != (kind in TIMED):
            _refuse(what, f"{path}.{name}", f"{_shown(bound)} is no bound for a column of type {kind}")
    low, high = (_comparable(asked.get(name)) for name in ("min", "max"))
    if low is not None and high is not None:
        if type(low) is not type(high):
            _refuse(what, path, "min and max must both be numbers or both be dates")
        if low > high:
            _refuse(what, path, "min is above max")
    if "mean" in asked:
        _check_span(asked["mean"], f"{path}.mean", what)
    if "matches" in asked:
        _check_pattern(asked["matches"], f"{path}.matches", what)
    if "in" in asked and len({json.dumps(value) for value in asked["in"]}) < len(asked["in"]):
        _refuse(what, f"{path}.in", "names a value twice")


def _comparable(bound: Any) -> Any:
    if bound is None:
        return None
    return moment(bound) if isinstance(bound, str) else float(bound)


def _check_span(span: Mapping[str, Any], path: str, what: str) -> None:
    if "min" in span and "max" in span and span["min"] > span["max"]:
        _refuse(what, path, "min is above max")


def _check_pattern(pattern: str, path: str, what: str) -> None:
    from audits.measures.quality.patterns import compile_error

    error = compile_error(pattern)
    if error:
        _refuse(what, path, f"is not a regular expression that RE2 accepts: {error}")


def _refuse(what: str, path: str, message: str) -> None:
    raise InvalidInput(f"{what}: {path}: {message}", field=path)
