"""Expectations against a table: what each asks, counted through the engine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from audits.engines.expressions import exactly
from audits.measures.quality.expectations import TIMED, Outcome, moment, outcome
from audits.measures.quality.patterns import count_matches
from audits.measures.quality.profile import NUMBERS, valued

if TYPE_CHECKING:
    from audits.engines.port import Engine
    from audits.measures.quality.expectations import Expectations
    from audits.measures.quality.integrity import Integrity
    from audits.measures.quality.profile import Column

_ACCEPTED = {"number": NUMBERS, "time": TIMED}
_DAY = 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """What is known of the table when its expectations are examined.

    Attributes
    ----------
    engine, columns
        The data, and every column as counted.
    rows
        Rows of the table.
    repeated
        Columns of a key to the rows beyond the first of each key.
    keyless
        Columns of a key to the rows in which one of them is missing.
    integrity
        Columns to how many of their values the reference data hold.
    as_of
        The date that freshness counts to.
    """

    engine: Engine
    columns: Mapping[str, Column]
    rows: int
    repeated: Mapping[tuple[str, ...], int]
    keyless: Mapping[tuple[str, ...], int]
    integrity: Mapping[str, Integrity]
    as_of: datetime | None


def examine(expectations: Expectations, table: Table) -> list[Outcome]:
    """What becomes of every expectation; a column that is not there fails the one that asks for it."""
    outcomes: list[Outcome] = []
    for name, asked in expectations.columns.items():
        outcomes += _of_column(name, asked, table)
    return [*outcomes, *_of_table(expectations, table)]


def _of_column(name: str, asked: Mapping[str, Any], table: Table) -> Iterator[Outcome]:
    column = table.columns.get(name)
    if column is None:
        if asked.get("required", True):
            yield outcome("required", name, kept=False, observed="not there", expected="a column")
        return
    if asked.get("required", True):
        yield outcome("required", name, kept=True, observed="there", expected="a column")
    if "type" in asked:
        kept = column.kind in _ACCEPTED.get(asked["type"], frozenset({asked["type"]}))
        yield outcome("type", name, kept=kept, observed=column.kind, expected=asked["type"])
    yield from _of_presence(column, asked)
    yield from _of_values(column, asked, table)
    if "mean" in asked:
        yield _of_mean(column, asked["mean"])
    if "references" in asked:
        yield _of_references(column, asked, table)


def _of_presence(column: Column, asked: Mapping[str, Any]) -> Iterator[Outcome]:
    least = asked.get("not_null", False)
    if least is not False:
        share = 1.0 if least is True else float(least)
        yield outcome(
            "not_null",
            column.name,
            kept=column.rows > 0 and column.present >= share * column.rows,
            observed=f"{column.present:,} of {column.rows:,} rows have a value",
            expected=f"at least {share:.4%} of the rows" if share < 1 else "every row",
            counts=(column.present, column.rows),
        )
    if asked.get("unique"):
        distinct = column.distinct
        observed = "cannot be compared" if distinct is None else f"{distinct:,} values in {column.present:,} rows"
        yield outcome(
            "unique", column.name, kept=distinct == column.present, observed=observed, expected="no value twice"
        )


def _of_values(column: Column, asked: Mapping[str, Any], table: Table) -> Iterator[Outcome]:
    mostly = float(asked.get("mostly", 1.0))
    for name in ("min", "max", "in"):
        if name not in asked:
            continue
        condition = _condition(column, name, asked[name], table.engine)
        expected = _told(name, asked[name])
        if condition is None:
            yield outcome(
                name, column.name, kept=False, observed=f"holds values of kind {column.kind}", expected=expected
            )
            continue
        found = table.engine.grouped(measures={"valid": condition}).columns()
        yield _kept(name, column, int(found["valid"][0] or 0), column.present, mostly, expected)
    if "matches" in asked:
        expected = f"matches {asked['matches']}"
        if column.kind != "text":
            yield outcome(
                "matches", column.name, kept=False, observed=f"holds values of kind {column.kind}", expected=expected
            )
            return
        if table.engine.disclosure:
            held_back = "could not be examined: the disclosure threshold holds the values back"
            yield replace(
                outcome("matches", column.name, kept=False, observed=held_back, expected=expected), status="error"
            )
            return
        valid, of = count_matches(table.engine, column.name, asked["matches"])
        yield _kept("matches", column, valid, of, mostly, expected)


def _kept(name: str, column: Column, valid: int, of: int, mostly: float, expected: str) -> Outcome:
    if mostly < 1:
        expected += f" for at least {mostly:.4%} of the values"
    return outcome(
        name,
        column.name,
        kept=of > 0 and valid >= mostly * of,
        observed=f"{of - valid:,} of {of:,} values do not" if of else "there are no values",
        expected=expected,
        counts=(valid, of),
    )


def _condition(column: Column, name: str, wanted: Any, engine: Engine) -> Any:
    """A count of the values that keep a bound or are among those allowed; ``None`` if their kinds do not go together."""
    import ibis

    value = valued(engine.table, column.name)
    if name == "in":
        allowed = _allowed(column.kind, wanted)
        condition = None if allowed is None else value.isin(allowed)
    elif isinstance(wanted, str):
        bound = moment(wanted)
        if column.kind not in TIMED or bound is None:
            return None
        literal = ibis.literal(bound.date()) if column.kind == "date" else ibis.literal(bound)
        condition = value >= literal if name == "min" else value <= literal
    else:
        if column.kind not in NUMBERS:
            return None
        number = exactly(wanted) if isinstance(wanted, float) else ibis.literal(wanted)
        condition = value >= number if name == "min" else value <= number
    return None if condition is None else ibis.ifelse(condition, 1, 0).sum().cast("int64")


def _allowed(kind: str, wanted: list[Any]) -> list[Any] | None:
    """The allowed values as values of the column's kind; ``None`` if none of them is."""
    if kind == "text":
        return [value for value in wanted if isinstance(value, str)] or None
    if kind == "boolean":
        return [value for value in wanted if isinstance(value, bool)] or None
    if kind in NUMBERS:
        numbers = [value for value in wanted if not isinstance(value, bool | str)]
        return [exactly(value) if isinstance(value, float) else value for value in numbers] or None
    return None


def _told(name: str, wanted: Any) -> str:
    if name == "in":
        return f"one of {len(wanted):,} values" if len(wanted) > _FEW else "one of " + ", ".join(map(str, wanted))
    return f"{'at least' if name == 'min' else 'at most'} {wanted}"


_FEW = 12


def _of_mean(column: Column, span: Mapping[str, float]) -> Outcome:
    expected = _span(span)
    if column.mean is None:
        observed = "no numbers" if column.kind not in NUMBERS else "no values"
        return outcome("mean", column.name, kept=False, observed=observed, expected=expected)
    return outcome(
        "mean", column.name, kept=_within(column.mean, span), observed=f"{column.mean:.6g}", expected=expected
    )


def _of_references(column: Column, asked: Mapping[str, Any], table: Table) -> Outcome:
    found = table.integrity.get(column.name)
    expected = f"in {asked['references']!r} of the reference data"
    if found is None or found.problem:
        observed = found.problem if found else "no reference data were given"
        return outcome("references", column.name, kept=False, observed=observed, expected=expected)
    return _kept("references", column, found.held, found.values, float(asked.get("mostly", 1.0)), expected)


def _of_table(expectations: Expectations, table: Table) -> Iterator[Outcome]:
    asked = expectations.table
    if "rows" in asked:
        kept = _within(table.rows, asked["rows"])
        yield outcome("rows", "", kept=kept, observed=f"{table.rows:,}", expected=_span(asked["rows"]))
    if "key" in asked:
        yield _of_key(tuple(asked["key"]), table)
    if asked.get("closed"):
        further = [name for name in table.columns if name not in expectations.columns]
        observed = "no others" if not further else "also " + ", ".join(further[:_FEW])
        yield outcome("closed", "", kept=not further, observed=observed, expected="no other columns")
    if "freshness" in asked:
        yield _of_freshness(asked["freshness"], table)


def _of_key(key: tuple[str, ...], table: Table) -> Outcome:
    absent = [name for name in key if name not in table.columns]
    joined = ", ".join(key)
    if absent:
        return outcome("key", joined, kept=False, observed=f"{absent[0]} is not there", expected="names each row")
    twice, without = table.repeated[key], table.keyless[key]
    return outcome(
        "key",
        joined,
        kept=table.rows > 0 and not twice and not without,
        observed=f"{twice:,} rows repeat a key, {without:,} have none",
        expected="names each row",
        counts=(max(table.rows - twice - without, 0), table.rows),
    )


def _of_freshness(asked: Mapping[str, Any], table: Table) -> Outcome:
    name, expected = asked["column"], f"newest at most {asked['max_days']:g} days old"
    column = table.columns.get(name)
    if column is None or table.as_of is None:
        observed = "not there" if column is None else "no date was given to count to"
        return outcome("freshness", name, kept=False, observed=observed, expected=expected)
    days = days_since(column, table.as_of)
    if days is None:
        return outcome("freshness", name, kept=False, observed="has no dates", expected=expected)
    kept = 0 <= days <= asked["max_days"]
    observed = f"newest is {days:.2f} days old" if days >= 0 else f"newest lies {-days:.2f} days in the future"
    return outcome("freshness", name, kept=kept, observed=observed, expected=expected)


def days_since(column: Column, as_of: datetime) -> float | None:
    """Days from the newest date of a column until a moment; 0 on the same day, negative if it lies ahead."""
    newest = moment(column.greatest) if column.kind in TIMED else None
    if newest is None:
        return None
    if newest.date() == as_of.date():
        return 0.0
    return (as_of - newest).total_seconds() / _DAY


def _within(value: float, span: Mapping[str, float]) -> bool:
    return span.get("min", value) <= value <= span.get("max", value)


def _span(span: Mapping[str, float]) -> str:
    if "min" in span and "max" in span:
        return f"between {span['min']} and {span['max']}"
    return f"at least {span['min']}" if "min" in span else f"at most {span['max']}"
