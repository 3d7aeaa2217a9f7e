"""Expressions that mean the same on every engine, to the last bit: bins, numbers, digests. Pure of Django."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeAlias

from registry.errors import InvalidInput

if TYPE_CHECKING:
    import ibis

Value: TypeAlias = "str | ibis.Value | ibis.Deferred"
"""A column's name, or an Ibis expression over the columns (``ibis._.score > 0.5``)."""

MISSING_BIN = -1
"""The bin of values that are missing or not a number."""


def bound(table: ibis.Table, value: Value) -> ibis.Value:
    """The value as an expression on ``table``: a column's name or a deferred expression resolved."""
    if isinstance(value, str):
        return table[value]
    resolve = getattr(value, "resolve", None)
    return resolve(table) if resolve is not None else value


def told(column: ibis.Value) -> ibis.Value:
    """The text of a value with a mark before it; the empty text where there is none."""
    import ibis

    return (ibis.literal("=") + column.cast("string")).fill_null("")


def md5_hex(text: ibis.Value) -> ibis.Value:
    """MD5 in hexadecimal; Ibis' own ``hexdigest`` has no rule for PostgreSQL, and every engine has this function."""
    import ibis

    def md5(text: str) -> str:
        return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()  # what each engine's own function does

    function: Any = ibis.udf.scalar.builtin(md5)
    return function(text)


def exactly(number: float) -> ibis.Value:
    """The literal of a floating-point number, to the last bit on every engine.

    Written plainly it is a decimal first, and DuckDB's way from there to the double is off by one bit for one number in
    twenty; as a text it is read as Python reads it.
    """
    import ibis

    return ibis.literal(repr(float(number))).cast("float64")


def binned(value: ibis.Value, edges: Sequence[float]) -> ibis.Value:
    """The bin of a number among ascending edges, as a balanced tree of comparisons: the same on every engine.

    Raises
    ------
    InvalidInput
        If the edges do not ascend.
    """
    import ibis

    if any(not later > earlier for earlier, later in pairwise(edges)):
        raise InvalidInput("the edges of a histogram must ascend", field="edges")

    def place(low: int, high: int) -> ibis.Value:
        if low == high:
            return ibis.literal(low, type="int32")
        middle = (low + high) // 2
        return ibis.ifelse(value < exactly(edges[middle]), place(low, middle), place(middle + 1, high))

    absent = value.isnull() | value.isnan() if value.type().is_floating() else value.isnull()
    return ibis.ifelse(absent, ibis.literal(MISSING_BIN, type="int32"), place(0, len(edges)))
