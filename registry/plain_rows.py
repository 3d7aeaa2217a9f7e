"""Reading whole rows by statements written by hand, for the few places where building a query costs more than running it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, TypeVar

from django.db import connection
from django.db.models import Model

Row = TypeVar("Row", bound=Model)


def columns_of(model: type[Model], alias: str) -> str:
    """All columns of the table of ``model``, called ``alias`` in the statement; as :func:`row_of` wants them."""
    quote = connection.ops.quote_name
    return ", ".join(f"{quote(alias)}.{quote(field.column or field.attname)}" for field in model._meta.concrete_fields)


def row_of(model: type[Row], values: Sequence[Any]) -> Row:
    """The row of which the database gave the columns as ``values``."""
    names, converters = _columns(model, connection.vendor)
    told = list(values)
    for index, column, convert in converters:
        told[index] = convert(told[index], column, connection)
    return model.from_db(connection.alias, names, told)


@lru_cache(maxsize=64)
def _columns(model: type[Model], vendor: str) -> tuple[list[str], list[tuple[int, Any, Callable[..., Any]]]]:
    """Names of the attributes, and what makes Python's values of the database's, by position."""
    names, converters = [], []
    for index, field in enumerate(model._meta.concrete_fields):
        names.append(field.attname)
        column = field.get_col(model._meta.db_table)
        found = (*connection.ops.get_db_converters(column), *column.get_db_converters(connection))
        converters += [(index, column, convert) for convert in found]
    return names, converters
