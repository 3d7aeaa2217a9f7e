"""Rows brought into the form in which models are asked: the columns of the interface, as numbers, truth values and texts. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from registry.errors import InvalidInput

if TYPE_CHECKING:
    import pyarrow as pa

MATRIX = "matrix"
"""The one column that holds all inputs of a row where all are numbers; ``audits.inside.formats.columns`` reads it."""


def prepared(batch: pa.RecordBatch, inputs: Sequence[str]) -> pa.RecordBatch:
    """The columns that a model reads, of types that every model can be given.

    Decimals become floating-point numbers; dates and times their ISO text; dictionaries what they stand for.

    Raises
    ------
    InvalidInput
        Naming a column that is not there, or that holds something else.
    """
    import pyarrow as pa

    lacking = [name for name in inputs if name not in batch.schema.names]
    if lacking:
        there = ", ".join(map(repr, batch.schema.names[:50]))
        raise InvalidInput(f"the model reads {lacking[0]!r}, and the rows have {there}", field="test")
    return pa.RecordBatch.from_arrays([_plain(batch.column(name), name) for name in inputs], names=list(inputs))


def batch_of(columns: Mapping[str, Any], inputs: Sequence[str]) -> pa.RecordBatch:
    """Arrays, lists or Arrow columns by name as one batch; all numbers as one column of lists, which crosses fastest.

    Raises
    ------
    InvalidInput
        Naming a column that is not there, or that holds something else.
    """
    import numpy as np
    import pyarrow as pa

    lacking = [name for name in inputs if name not in columns]
    if lacking:
        raise InvalidInput(
            f"the model reads {lacking[0]!r}, and the rows have {', '.join(map(repr, columns))}", field="test"
        )
    arrays = [_array(columns[name]) for name in inputs]
    numbers = all(isinstance(array, np.ndarray) and array.dtype.kind in "fiub" for array in arrays)
    # A model may have one input of that very name.
    if numbers and tuple(inputs) != (MATRIX,):
        flat = np.column_stack(arrays).astype(np.float64, copy=False).reshape(-1)
        lists = pa.FixedSizeListArray.from_arrays(pa.array(flat), len(inputs))
        return pa.RecordBatch.from_arrays([lists], names=[MATRIX])
    return columns_of(columns, inputs)


def columns_of(columns: Mapping[str, Any], inputs: Sequence[str]) -> pa.RecordBatch:
    """Arrays, lists or Arrow columns by name as one batch with a column of its own for each.

    Raises
    ------
    InvalidInput
        As :func:`batch_of`.
    """
    import pyarrow as pa

    table = [_as_arrow(_array(columns[name]), name) for name in inputs if name in columns]
    there = [name for name in inputs if name in columns]
    return prepared(pa.RecordBatch.from_arrays(table, names=there), inputs)


def _array(values: Any) -> Any:
    import numpy as np
    import pyarrow as pa

    if isinstance(values, pa.ChunkedArray):
        return values.combine_chunks()
    return values if isinstance(values, pa.Array) else np.asarray(values)


def _as_arrow(values: Any, name: str) -> pa.Array:
    import pyarrow as pa

    try:
        return values if isinstance(values, pa.Array) else pa.array(values, from_pandas=True)
    except pa.ArrowException as error:
        message = f"the column {name!r} holds values of several types: {str(error).splitlines()[0]}"
        raise InvalidInput(message, field="test") from None


def _plain(column: pa.Array, name: str) -> pa.Array:
    import pyarrow as pa

    kind = column.type
    if pa.types.is_dictionary(kind):
        return _plain(column.dictionary_decode(), name)
    if pa.types.is_decimal(kind) or pa.types.is_float16(kind) or pa.types.is_null(kind):
        return column.cast(pa.float64())
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind) or pa.types.is_string_view(kind):
        return column.cast(pa.string())
    plain = (
        pa.types.is_integer,
        pa.types.is_floating,
        pa.types.is_boolean,
        pa.types.is_string,
        pa.types.is_large_string,
    )
    if not any(is_it(kind) for is_it in plain):
        message = f"the column {name!r} holds {kind}; a model reads numbers, truth values and texts"
        raise InvalidInput(message, field="test")
    return column
