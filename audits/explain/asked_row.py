"""Rows that people ask a model about: are these the features that it reads, and can their values be what they say? Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from registry.errors import InvalidInput

NUMBER, TEXT = "number", "text"
MOST_TEXT = 500
_NAMED = 5
_LARGEST = 1e300


def check_row(
    values: Any,
    features: Sequence[str],
    *,
    types: Mapping[str, str] | None = None,
    field: str = "row",
    partial: bool = False,
) -> dict[str, Any]:
    """The values that were asked about, in the model's order.

    Parameters
    ----------
    values
        Feature to a number, a text, a truth, or ``None`` where it is missing.
    features
        What the model reads.
    types
        Feature to ``number`` or ``text``, as far as it is known.
    field
        How messages call the row.
    partial
        Whether features may be left out: in a change.

    Raises
    ------
    InvalidInput
        Naming what is unknown, missing, of the wrong type or too long.
    """
    if not isinstance(values, Mapping):
        raise InvalidInput(f"{field} must be an object of features and values", field=field)
    unknown = [name for name in values if name not in set(features)]
    if unknown:
        raise InvalidInput(
            f"the model reads no {_listed(unknown)}; it reads {_listed(features)}", field=f"{field}.{unknown[0]}"[:200]
        )
    missing = [name for name in features if name not in values]
    if missing and not partial:
        raise InvalidInput(
            f"{field} lacks {_listed(missing)}: give every feature that the model reads, null where it is not known",
            field=f"{field}.{missing[0]}"[:200],
        )
    known = types or {}
    return {name: _value(f"{field}.{name}", values[name], known.get(name)) for name in features if name in values}


def check_key(values: Any, columns: Sequence[str]) -> dict[str, Any]:
    """The key of a row of the test data, in the order of ``columns``.

    Raises
    ------
    InvalidInput
        If the manifest names no key, or not every column of it is given, or others.
    """
    if not columns:
        raise InvalidInput("the manifest names no key (schema.key): give the row's values instead", field="key")
    if not isinstance(values, Mapping) or set(values) != set(columns):
        raise InvalidInput(f"the key of a row is {_listed(columns)}: give each of them, and nothing else", field="key")
    for name in columns:
        value = values[name]
        whole = isinstance(value, int) and not isinstance(value, bool) and abs(value) < _LARGEST
        if not whole and not (isinstance(value, str) and len(value) <= MOST_TEXT and "\x00" not in value):
            raise InvalidInput(f"key.{name} must be a text or a whole number", field=f"key.{name}")
    return {name: values[name] for name in columns}


def typed(name: str, value: Any, kind: str) -> Any:
    """A value as the model takes it: a float (NaN where missing) for numbers, a text or ``None`` for anything else.

    Raises
    ------
    InvalidInput
        If a number was wanted and a text was given.
    """
    if kind == NUMBER:
        if isinstance(value, str):
            raise InvalidInput(f"{name} is a number, not {value!r:.60}", field=name)
        return math.nan if value is None else float(value)
    return value if value is None or isinstance(value, str) else _as_text(value)


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _value(field: str, value: Any, kind: str | None) -> Any:
    if value is None:
        return None
    if isinstance(value, str):
        if kind == NUMBER:
            raise InvalidInput(f"{field} is a number, not {value!r:.60}", field=field[:200])
        if len(value) > MOST_TEXT or "\x00" in value:
            raise InvalidInput(f"{field} has at most {MOST_TEXT} characters, and no NUL", field=field[:200])
        return value
    if not isinstance(value, bool | int | float) or not abs(value) <= _LARGEST:
        raise InvalidInput(f"{field} must be a number, a text, true, false or null", field=field[:200])
    return value


def _listed(names: Sequence[str]) -> str:
    """The first names of many, for a message."""
    shown = ", ".join(repr(name) if len(name) <= MOST_TEXT else f"{name[:40]!r}…" for name in names[:_NAMED])
    return f"{shown} and {len(names) - _NAMED} more" if len(names) > _NAMED else shown
