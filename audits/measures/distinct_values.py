"""Whether a column holds few different values, found out without counting them all. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audits.engines.port import ROWS

if TYPE_CHECKING:
    from audits.engines.port import Engine

_SOME_ROWS = 2000


def holds_more_than(engine: Engine, column: str, number: int) -> bool:
    """Whether a column has more different values than ``number``; some rows may prove it, else all are looked at."""
    values = engine.table.select(column)
    for some in (values.limit(_SOME_ROWS), values):
        if engine.grouped((), of=some.distinct().limit(number + 1)).columns()[ROWS][0] > number:
            return True
    return False
