"""What each column of a table is like, by counting: how complete, how varied, between what values."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from audits.engines.port import ROWS

if TYPE_CHECKING:
    import ibis

    from audits.engines.port import Engine

PLACEHOLDERS = ("na", "n/a", "nan", "null", "none", "unknown", "missing", "?", "-", "tbd", "#n/a", "not available")
"""Texts, in lower case, that people write where they know no value."""

NUMBERS = frozenset({"number", "integer"})
_RANGED = NUMBERS | {"date", "time"}
_NEARLY = 0.99
_AT_ONCE = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column, counted.

    Attributes
    ----------
    name, kind
        Its name, and the kind of its values; see :attr:`audits.engines.port.Engine.columns`.
    rows, missing
        All rows, and those without a value (NaN is none).
    distinct
        Different values; ``None`` if its kind cannot be compared.
    alone
        Values that occur once.
    most
        Rows with the most common value.
    least, greatest, mean
        Of numbers; least and greatest of dates and times. Texts have none: a text may name a person.
    blank, placeholders
        Texts of nothing but spaces, and texts that stand for an unknown value.
    infinite
        Numbers without bound.
    """

    name: str
    kind: str
    rows: int
    missing: int
    distinct: int | None = None
    alone: int = 0
    most: int = 0
    least: Any = None
    greatest: Any = None
    mean: float | None = None
    blank: int = 0
    placeholders: int = 0
    infinite: int = 0

    @property
    def present(self) -> int:
        """Rows with a value."""
        return self.rows - self.missing

    @property
    def constant(self) -> bool:
        """Whether all rows are alike in it, none of them missing or all."""
        return self.rows > 0 and (self.present == 0 or (self.distinct == 1 and not self.missing))

    def problems(self) -> list[str]:
        """What is remarkable about it, in short sentences."""
        said: list[str] = []
        if not self.rows:
            return said
        if not self.present:
            said.append("no row has a value")
        elif self.constant:
            said.append("all rows have the same value")
        elif self.most >= _NEARLY * self.rows:
            said.append(f"{self.most / self.rows:.2%} of the rows have the same value")
        counted = {
            "without a value": self.missing if self.present else 0,
            "of spaces alone": self.blank,
            "with a text that stands for an unknown value": self.placeholders,
            "with a number without bound": self.infinite,
        }
        said += [f"{count:,} rows {what}" for what, count in counted.items() if count]
        if self.kind == "other":
            said.append("of a kind that is counted but not compared")
        return said


def profile_columns(engine: Engine, step: Callable[[float, str], None]) -> dict[str, Column]:
    """Count every column: some passes over all of them together, and one grouping each.

    Parameters
    ----------
    step
        Called with the share of the columns done and what is going on.
    """
    kinds = engine.columns
    names = list(kinds)
    facts: dict[str, dict[str, Any]] = {}
    for start in range(0, len(names), _AT_ONCE):
        facts |= _wide(engine, {name: kinds[name] for name in names[start : start + _AT_ONCE]})
    columns = {}
    for place, name in enumerate(names):
        step(place / len(names), f"counting the values of {name!r}")
        variety = _variety(engine, name) if kinds[name] != "other" else {}
        columns[name] = Column(name=name, kind=kinds[name], **facts[name], **variety)
    return columns


def valued(table: ibis.Table, name: str) -> ibis.Value:
    """A column with NaN as missing."""
    import ibis

    value = table[name]
    return ibis.ifelse(value.isnan(), ibis.null(value.type()), value) if value.type().is_floating() else value


def _wide(engine: Engine, kinds: dict[str, str]) -> dict[str, dict[str, Any]]:
    measures: dict[str, Any] = {}
    for place, (name, kind) in enumerate(kinds.items()):
        for fact, expression in _facts(engine, name, kind).items():
            measures[f"{fact}_{place}"] = expression
    found = {name: values[0] for name, values in engine.grouped(measures=measures).columns().items()}
    rows = int(found[ROWS])
    result: dict[str, dict[str, Any]] = {}
    for place, name in enumerate(kinds):
        mine = {key.rsplit("_", 1)[0]: value for key, value in found.items() if key.endswith(f"_{place}")}
        present = int(mine.pop("present"))
        result[name] = {"rows": rows, "missing": rows - present, **{key: _plain(value) for key, value in mine.items()}}
    return result


def _facts(engine: Engine, name: str, kind: str) -> dict[str, Any]:
    import ibis

    value = valued(engine.table, name)
    facts: dict[str, Any] = {"present": value.count()}
    if kind in _RANGED:
        bounded = value
        if value.type().is_floating():
            bounded = ibis.ifelse(value.isinf(), ibis.null(value.type()), value)
            facts["infinite"] = _count(value.isinf())
        facts |= {"least": bounded.min(), "greatest": bounded.max()}
        if kind in NUMBERS:
            facts["mean"] = bounded.cast("float64").mean()
    if kind == "text":
        bare = value.strip().lower()
        facts |= {"blank": _count((value != "") & (bare == "")), "placeholders": _count(bare.isin(PLACEHOLDERS))}
        facts["present"] = _count(value != "")
    return facts


def _count(condition: ibis.Value) -> Any:
    import ibis

    return ibis.ifelse(condition, 1, 0).sum().fill_null(0).cast("int64")


def _plain(value: Any) -> Any:
    """Numbers as plain numbers; dates and times as they are."""
    if value is None or isinstance(value, bool | int):
        return value
    try:
        number = float(value)
    except (TypeError, ValueError):
        return value
    return number if math.isfinite(number) else None


def _variety(engine: Engine, name: str) -> dict[str, int]:
    import ibis

    value = valued(engine.table, name)
    if value.type().is_string():
        value = value.nullif("")
    table = engine.table.mutate(_v=value)
    values = table.filter(ibis._._v.notnull()).group_by("_v").aggregate(_c=ibis._.count())
    measures = {"alone": _count(ibis._._c == 1), "most": ibis._._c.max().fill_null(0)}
    found = engine.grouped(measures=measures, of=values).columns()
    return {
        "distinct": int(found[ROWS][0]),
        "alone": int(found["alone"][0] or 0),
        "most": int(found["most"][0] or 0),
    }


def count_distinct_rows(engine: Engine, columns: list[str], *, whole: bool = False) -> int:
    """How many different rows there are in some columns; with ``whole``, of those that miss none of them."""
    import ibis

    keys = {f"_k{place}": valued(engine.table, name) for place, name in enumerate(columns)}
    table = engine.table.mutate(**keys)
    if whole:
        table = table.drop_null(list(keys))
    grouped = table.group_by(list(keys)).aggregate(_c=ibis._.count())
    return int(engine.grouped(of=grouped).columns()[ROWS][0])


def count_keyless(engine: Engine, columns: list[str]) -> int:
    """Rows that miss at least one of some columns."""
    import ibis

    missing = ibis.or_(*(valued(engine.table, name).isnull() for name in columns))
    return int(engine.grouped(measures={"missing": _count(missing)}).columns()["missing"][0])
