"""Column lineage out of SQL: which columns a text writes, and from which ones, in OpenLineage's words. Pure.

sqlglot parses; the reading of the parsed queries is ours, in the modules ``sql_*`` beside this one. What is not known
is told wider than it may be, never narrower: a column that may come from two tables comes from the whole of both, at
the level ``dataset``, and a note says why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from registry.errors import InvalidInput
from registry.lineage.names import JobName, PlaceName
from registry.lineage.statement import StatedEdge, Statement

MOST_BYTES = 100_000
MOST_STATEMENTS = 200
MOST_EDGES = 100_000


@dataclass(frozen=True, slots=True)
class SqlTable:
    """What a text writes into one place.

    Attributes
    ----------
    place
        None for a bare SELECT, which writes nowhere.
    columns
        Names of the columns that it writes; None where not all are known.
    edges
        From what, and how.
    """

    place: PlaceName | None
    columns: tuple[str, ...] | None
    edges: tuple[StatedEdge, ...]


@dataclass(frozen=True, slots=True)
class SqlLineage:
    """What a text of SQL makes of what.

    Attributes
    ----------
    tables
        Each place that is written, in order; a place that several statements write is there once.
    reads
        Every place that is read.
    notes
        What could not be known, in sentences.
    """

    tables: tuple[SqlTable, ...] = ()
    reads: tuple[PlaceName, ...] = ()
    notes: tuple[str, ...] = ()

    def statements(
        self, *, job: JobName, at: datetime, by: str = "sql", selected: PlaceName | None = None
    ) -> tuple[Statement, ...]:
        """The same as statements of a job, without columns, since SQL tells no types.

        Parameters
        ----------
        selected
            The place that a bare SELECT makes, as a dbt model does; such a SELECT is left out without it.
        """
        found: dict[PlaceName, list[StatedEdge]] = {}
        for table in self.tables:
            place = table.place or selected
            if place is not None:
                found.setdefault(place, []).extend(table.edges)
        return tuple(
            Statement(job=job, place=place, at=at, by=by, edges=tuple(edges)) for place, edges in found.items()
        )


def column_lineage(
    sql: str, *, dialect: str | None, namespace: str, schemas: Mapping[str, Sequence[str]] | None = None
) -> SqlLineage:
    """Read which columns a text of SQL makes from which.

    Read are CREATE TABLE AS, CREATE VIEW, INSERT, MERGE, UPDATE and SELECT, with common table expressions, subqueries,
    set operations, stars, window functions and all the rest of queries. Temporary tables are followed through.

    Parameters
    ----------
    sql
        One or several statements, at most 100,000 bytes as UTF-8.
    dialect
        As sqlglot names it, such as ``postgres``, ``snowflake`` or ``bigquery``; None for SQL at large.
    namespace
        Where the tables lie that the text names.
    schemas
        ``{table name: columns}`` where they are known. A table that the text names by less than its whole name is the
        known one that ends in it, if that is one only.

    Returns
    -------
    SqlLineage
        Edges are direct (IDENTITY, TRANSFORMATION, AGGREGATION) or indirect (FILTER, JOIN, GROUP_BY, SORT, WINDOW,
        CONDITIONAL). Indirect ones that decide on rows have no target column. ``COUNT(*)`` is decided by its tables as
        a whole: indirect, AGGREGATION. Hashes are told as a treatment of the method ``hash``, with a key that does not
        stand in the text ``keyed-hash``; how many people an aggregate covers is not known, and so none is told.

    Raises
    ------
    InvalidInput
        What cannot be parsed, with ``line`` and ``column`` in its details; a statement whose doing cannot be told, such
        as CALL; and texts that are too long, too deep or too entangled.
    """
    size = len(sql.encode("utf-8", "surrogatepass"))
    if size > MOST_BYTES:
        raise InvalidInput(f"the SQL is {size:,} bytes long; at most {MOST_BYTES:,} are read", field="sql")
    if not sql.strip():
        raise InvalidInput("the SQL is empty", field="sql")
    from registry.lineage.sql_statements import read_text

    try:
        return read_text(sql, dialect=dialect, namespace=namespace, schemas=schemas or {})
    except RecursionError:
        raise InvalidInput("the SQL is nested too deep to be read; split it", field="sql") from None
