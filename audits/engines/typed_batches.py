"""Results of engines as Arrow batches of the types that an expression declares. Pure of Django."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa


def as_declared(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """The batch with the declared types: a sum that DuckDB gives as a decimal is a whole number again.

    Raises
    ------
    pyarrow.ArrowInvalid
        If a value does not fit; nothing is cut off.
    """
    import pyarrow as pa

    if batch.schema.equals(schema):
        return batch
    columns = [
        column if column.type.equals(field.type) else column.cast(field.type)
        for column, field in zip(batch.columns, schema, strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def batch_of_rows(rows: Sequence[Sequence[Any]], schema: pa.Schema) -> pa.RecordBatch:
    """A batch from rows of Python values, as a database driver gives them.

    Raises
    ------
    pyarrow.ArrowInvalid
        If a value does not fit its column.
    """
    import pyarrow as pa

    columns = zip(*rows, strict=True) if rows else [()] * len(schema)
    arrays = [_array(values, field.type) for values, field in zip(columns, schema, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _array(values: Sequence[Any], type_: pa.DataType) -> pa.Array:
    import pyarrow as pa

    if pa.types.is_integer(type_):
        try:
            return pa.array([_whole(value) for value in values], type=type_)
        except OverflowError as error:
            raise pa.ArrowInvalid(f"a whole number does not fit 64 bits: {error}") from error
    if pa.types.is_floating(type_):
        return pa.array([float(value) if isinstance(value, Decimal) else value for value in values], type=type_)
    if pa.types.is_binary(type_):
        return pa.array([None if value is None else bytes(value) for value in values], type=type_)
    return pa.array(values, type=type_)


def _whole(value: Any) -> Any:
    """Sums of whole numbers come as decimals or floats from some databases; others are what they are."""
    import pyarrow as pa

    if isinstance(value, Decimal | float):
        if value != int(value):
            raise pa.ArrowInvalid(f"{value} is not a whole number")
        return int(value)
    return value
