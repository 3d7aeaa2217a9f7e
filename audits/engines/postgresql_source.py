"""What an address names in PostgreSQL: a table or one SELECT, and how its columns become plain types. Pure of Django."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from audits.engines.addresses import Address, table_name
from audits.engines.compiling import quoted
from audits.prediction_errors import PredictionsError
from registry.errors import InvalidInput

if TYPE_CHECKING:
    import ibis

_NUMERIC = 1700
_DIGITS_OF_BIGINT = 18
_TYPES = {
    16: ("boolean", "{0}"),
    17: ("binary", "{0}"),
    20: ("int64", "{0}"),
    21: ("int16", "{0}"),
    23: ("int32", "{0}"),
    25: ("string", "{0}"),
    700: ("float64", "CAST({0} AS double precision)"),
    701: ("float64", "{0}"),
    1043: ("string", "CAST({0} AS text)"),
    1082: ("date", "{0}"),
    1114: ("timestamp(6)", "{0}"),
    1184: ("timestamp(6)", "({0} AT TIME ZONE 'UTC')"),
    _NUMERIC: ("float64", "CAST({0} AS double precision)"),
}
"""Type OID to the type of the column and how it is read; all others are read as text."""


def relation_of(address: Address) -> str:
    """What to select from.

    Raises
    ------
    InvalidInput
        If the address names neither a table nor a query, or both; or the query is not one plain SELECT.
    """
    if address.one_of("table", "query") == "table":
        return ".".join(quoted(part) for part in table_name(address.option("table"), fold=True))
    return f"({_select(address)})"


def columns_of(description: Sequence[Any], name: str) -> tuple[ibis.Schema, str]:
    """The schema of a relation, and the list of columns that gives it.

    Parameters
    ----------
    description
        Of a cursor that selected all columns.

    Raises
    ------
    PredictionsError
        If there is no column, or two have one name.
    """
    import ibis

    types: dict[str, str] = {}
    selected: list[str] = []
    for column in description:
        if column.name in types:
            message = f"{name}: has two columns {column.name!r}; give one another name"
            raise PredictionsError(message, file=name, column=column.name)
        types[column.name], cast = _read_as(column)
        selected.append(f"{cast.format('given.' + quoted(column.name))} AS {quoted(column.name)}")
    if not types:
        raise PredictionsError(f"{name}: has no columns", file=name)
    return ibis.schema(types), ", ".join(selected)


def _read_as(column: Any) -> tuple[str, str]:
    whole = column.type_code == _NUMERIC and column.scale == 0 and (column.precision or 0) <= _DIGITS_OF_BIGINT
    if whole and column.precision:
        return "int64", "CAST({0} AS bigint)"
    return _TYPES.get(column.type_code, ("string", "CAST({0} AS text)"))


def _select(address: Address) -> str:
    """The query, written anew from what was understood of it: nothing that was not understood gets through."""
    import sqlglot
    from sqlglot import exp

    def refused(why: str) -> InvalidInput:
        return InvalidInput(f"{address.text}: query= must be one SELECT that only reads: {why}", field="data")

    try:
        statements = [
            found for found in sqlglot.parse(address.option("query"), dialect="postgres") if found is not None
        ]
    except sqlglot.errors.SqlglotError as error:
        raise refused("it cannot be parsed") from error
    if len(statements) != 1:
        raise refused(f"there are {len(statements)} statements")
    (statement,) = statements
    if not isinstance(statement, exp.Query):
        raise refused(f"it is {statement.key.upper()}")
    writes = (exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Create, exp.Drop, exp.Command, exp.Into, exp.Lock)
    if found := statement.find(*writes):
        raise refused(f"it holds {found.key.upper()}")
    return str(statement.sql(dialect="postgres", comments=False))
