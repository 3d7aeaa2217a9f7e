"""Counts one column of a table by its distinct values, and names categories. Pure of Django."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from audits.engines.port import ROWS
from audits.measures.drift.numbers import Numbers
from audits.measures.drift.sides import Categories

if TYPE_CHECKING:
    import ibis

    from audits.engines.port import Engine

DISTINCT = 1 << 16
"""Most distinct values that are listed; of more, numbers are put into bins and texts are not compared."""

HELD_BACK = "(categories of few rows, held back)"


def number_of(engine: Engine, column: str, family: str, *, known_finite: bool = False) -> ibis.Value:
    """The column as a finite floating-point number, missing where it has none; dates as seconds since 1970.

    Where a count has shown that every row has one, ``known_finite`` saves the engine from looking again.
    """
    import ibis

    value = engine.table[column]
    if family == "date":
        value = value.cast("timestamp").epoch_seconds()
    elif family == "time":
        value = value.epoch_seconds()
    whole = value.type().is_integer()
    number = value.cast("float64")
    # Of what is not finite, nothing times it is no number either: one comparison instead of two tests.
    return number if whole or known_finite else ibis.ifelse(number * 0 == 0, number, ibis.null("float64"))


def value_counts(engine: Engine, value: ibis.Value) -> dict[str, list[Any]] | None:
    """Rows by distinct value, missing included; None if there are more than 65,536.

    Returns
    -------
    dict or None
        The columns ``value`` and ``n``.
    """
    import ibis

    if engine.disclosure:
        grouped = engine.grouped({"value": value}).table
    else:
        source = engine.table.select(value=value)
        grouped = engine.read(source.group_by("value").aggregate(**{ROWS: ibis._.count()}).limit(DISTINCT + 2))
    return grouped.to_pydict() if len(grouped) <= DISTINCT + 1 else None


def count_categories(engine: Engine, column: str, family: str, *, rows: int) -> Categories | None:
    """Rows by category; None if there are more than 65,536."""
    value = number_of(engine, column, family) if family == "number" else engine.table[column]
    grouped = value_counts(engine, value)
    if grouped is None:
        return None
    counts: dict[str, int] = {}
    missing = 0
    for key, count in zip(grouped["value"], grouped[ROWS], strict=True):
        if key is None:
            missing += count
        else:
            counts[text_of(key)] = counts.get(text_of(key), 0) + count
    held = rows - missing - sum(counts.values())
    if held:
        counts[HELD_BACK] = held
    return Categories(dict(sorted(counts.items())), missing)


def text_of(value: Any) -> str:
    """A value as the name of a category: the same for 1 and 1.0."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    return value.isoformat() if isinstance(value, date) else str(value)


def categories_of(counted: Numbers) -> Categories:
    """Listed numbers as categories."""
    values, counts = counted.binned.edges, counted.binned.counts[1:]
    named = {text_of(float(value)): int(count) for value, count in zip(values, counts, strict=True)}
    return Categories(dict(sorted(named.items())), counted.missing)
