"""Regular expressions over the distinct values of a column, in linear time whatever the expression."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audits.engines.port import ROWS

if TYPE_CHECKING:
    from audits.engines.port import Engine


def compile_error(pattern: str) -> str:
    """Why RE2 does not accept a regular expression; empty if it does."""
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        pc.match_substring_regex(pa.array([""]), whole(pattern))
    except pa.ArrowInvalid as error:
        return str(error).splitlines()[0]
    return ""


def whole(pattern: str) -> str:
    r"""The pattern for whole values: ``\A(?:…)\z``."""
    return rf"\A(?:{pattern})\z"


def count_matches(engine: Engine, column: str, pattern: str) -> tuple[int, int]:
    """How many values of a column of texts match as a whole, and how many values there are.

    Each distinct value is looked at once, in bounded batches, by RE2 (which PostgreSQL and Spark do not have): its time
    grows with the length of the text alone, so no expression can make it hang.
    """
    import ibis
    import pyarrow.compute as pc

    table = (
        engine.table.filter(engine.table[column].nullif("").notnull())
        .group_by(column)
        .aggregate(**{ROWS: ibis._.count()})
    )
    matching = total = 0
    for batch in engine.batches(table):
        rows = batch.column(ROWS)
        hits = pc.match_substring_regex(batch.column(column), whole(pattern))
        total += pc.sum(rows).as_py() or 0
        matching += pc.sum(pc.if_else(hits, rows, 0)).as_py() or 0
    return int(matching), int(total)
