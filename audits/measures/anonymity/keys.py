"""The quasi-identifiers of a table as grouping keys, packed into few whole numbers where that is worth its while."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from audits.engines.port import ROWS

if TYPE_CHECKING:
    import ibis

    from audits.engines.port import Engine

_MOST_LEVELS = 512
_WIDEST_RANGE = 4096
_LARGEST_PACK = 2**52
"""Packed codes stay below this, so that engines which divide whole numbers as floating-point ones divide them exactly."""

_CODES_PAY = ("duckdb",)
"""Engines that find a value in a constant list faster than they group by a text; the result is the same on all."""


@dataclass(frozen=True, slots=True)
class Digit:
    """A column's place in a packed key: ``key // radix % size``."""

    pack: str
    radix: int
    size: int

    def of(self, table: ibis.Table) -> ibis.Value:
        """The column's code, times its radix, out of the packed key."""
        import ibis

        code = (table[self.pack] // ibis.literal(self.radix, type="int64")) % ibis.literal(self.size, type="int64")
        return code * ibis.literal(self.radix, type="int64")


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The quasi-identifiers as keys of a table.

    Attributes
    ----------
    columns
        The quasi-identifiers, in the order given.
    table
        The engine's table with the key columns added.
    names
        The key columns: rows are alike in all quasi-identifiers exactly if they are alike in these.
    digits
        Packed columns to their place; the others are key columns themselves, called as ``plain`` says.
    plain
        Columns that were not packed to the name of their key column.
    """

    columns: tuple[str, ...]
    table: ibis.Table
    names: tuple[str, ...]
    digits: dict[str, Digit]
    plain: dict[str, str]

    def subset(self, table: ibis.Table, columns: Iterable[str]) -> dict[str, ibis.Value]:
        """Keys of fewer columns, as expressions over a table that has all key columns."""
        wanted = [column for column in self.columns if column in set(columns)]
        keys: dict[str, Any] = {
            self.plain[column]: table[self.plain[column]] for column in wanted if column in self.plain
        }
        for column in wanted:
            if column in self.digits:
                digit = self.digits[column]
                part = digit.of(table)
                keys[digit.pack] = keys[digit.pack] + part if digit.pack in keys else part
        return keys


def make_keys(engine: Engine, columns: Sequence[str]) -> Keys:
    """Prepare the grouping keys of quasi-identifiers; a missing value (NaN too) is a value of its own.

    Columns of few values become digits of one whole number on engines where that is faster; what comes of it is the same.
    """
    import ibis

    table = engine.table
    codes: dict[str, tuple[ibis.Value, int]] = {}
    if _codes_pay(engine):
        codes = {column: code for column in columns if (code := _code(engine, column)) is not None}
    digits: dict[str, Digit] = {}
    packs: dict[str, ibis.Value] = {}
    radix, pack = 1, ""
    for column, (code, size) in codes.items():
        if not pack or radix * size > _LARGEST_PACK:
            radix, pack = 1, f"_pack{len(packs)}"
        term = code * ibis.literal(radix, type="int64")
        packs[pack] = packs[pack] + term if pack in packs else term
        digits[column] = Digit(pack, radix, size)
        radix *= size
    plain = {column: f"_key{place}" for place, column in enumerate(columns) if column not in codes}
    added = {**packs, **{key: known(table[column]) for column, key in plain.items()}}
    return Keys(columns=tuple(columns), table=table.mutate(**added), names=tuple(added), digits=digits, plain=plain)


def known(value: ibis.Value) -> ibis.Value:
    """The value, with NaN as missing."""
    import ibis

    return ibis.ifelse(value.isnan(), ibis.null(value.type()), value) if value.type().is_floating() else value


def sensitive_code(engine: Engine, column: str) -> ibis.Value:
    """A sensitive column as something to group by: a whole number on engines where that is faster, else its value."""
    code = _code(engine, column) if _codes_pay(engine) else None
    return known(engine.table[column]) if code is None else code[0]


def _codes_pay(engine: Engine) -> bool:
    return engine.name.startswith(_CODES_PAY) and not engine.disclosure


def _code(engine: Engine, column: str) -> tuple[ibis.Value, int] | None:
    """The column as a whole number from 0 (missing) and how many there are; ``None`` if it has too many values."""
    kind = engine.columns[column]
    if kind in {"text", "boolean"}:
        return _listed(engine, column)
    return _counted(engine, column) if kind == "integer" else None


def _listed(engine: Engine, column: str) -> tuple[ibis.Value, int] | None:
    import ibis

    levels = engine.table.group_by(column).aggregate(**{ROWS: ibis._.count()}).order_by(column).limit(_MOST_LEVELS + 1)
    found = [value for value in engine.read(levels).column(column).to_pylist() if value is not None]
    if len(found) >= _MOST_LEVELS:
        return None
    value = engine.table[column]
    if not found:
        return ibis.literal(0, type="int64"), 1
    return _place_in_list(found, value), len(found) + 1


def _place_in_list(found: list[Any], value: ibis.Value) -> ibis.Value:
    """The place of a value in a list, from 1; 0 where it is missing. DuckDB's own function: Ibis' guards double its cost."""
    import ibis

    def list_position(listed: Any, wanted: Any) -> int:
        """What the engine's function of this name gives; Ibis reads the signature alone, and this body is never run."""
        return int(listed.index(wanted)) + 1

    kinds = ((ibis.array(found).type(), value.type()), "int64")
    place = ibis.udf.scalar.builtin(list_position, name="list_position", signature=kinds)(ibis.array(found), value)
    return place.fill_null(0)


def _counted(engine: Engine, column: str) -> tuple[ibis.Value, int] | None:
    import ibis

    ends = engine.grouped(measures={"low": ibis._[column].min(), "high": ibis._[column].max()}).columns()
    low, high = ends["low"][0], ends["high"][0]
    if low is None or int(high) - int(low) >= _WIDEST_RANGE:
        return None
    value = engine.table[column]
    place = value.cast("int64") - ibis.literal(int(low), type="int64") + 1
    return ibis.ifelse(value.isnull(), ibis.literal(0, type="int64"), place), int(high) - int(low) + 2
