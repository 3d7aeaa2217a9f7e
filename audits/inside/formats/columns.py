"""Arrow batches as the arrays that models read: numbers with NaN where missing, texts as objects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from audits.inside.formats.loaded import Rows
from audits.inside.refusal import Refusal

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

MATRIX = "matrix"
"""The one column of a batch that holds all inputs of a row as a list of numbers of fixed length."""


def rows_in(batch: pa.RecordBatch, names: Sequence[str]) -> Rows:
    """The rows of a batch for a model that reads ``names``, in that order.

    Raises
    ------
    Refusal
        If a column is not there or holds neither numbers, truth values nor texts.
    """
    if batch.schema.names == [MATRIX] and tuple(names) != (MATRIX,):
        return Rows(names=tuple(names), count=batch.num_rows, matrix=_matrix(batch, len(names)))
    lacking = [name for name in names if name not in batch.schema.names]
    if lacking:
        raise Refusal(f"the rows have no column {lacking[0]!r}")
    columns = {name: _array(batch.column(name), name) for name in names}
    return Rows(names=tuple(names), count=batch.num_rows, columns=columns)


def _matrix(batch: pa.RecordBatch, width: int) -> np.ndarray[Any, Any]:
    column = batch.column(0)
    if getattr(column.type, "list_size", None) != width:
        raise Refusal(f"the rows have {column.type}, and the model reads {width} numbers")
    found: np.ndarray[Any, Any] = column.flatten().to_numpy(zero_copy_only=False)
    matrix: np.ndarray[Any, Any] = found.reshape(batch.num_rows, width)
    return matrix


def _array(column: pa.Array, name: str) -> np.ndarray[Any, Any]:
    import numpy as np
    import pyarrow as pa

    type_ = column.type
    if pa.types.is_integer(type_) and not column.null_count:
        found: np.ndarray[Any, Any] = column.to_numpy(zero_copy_only=False)
        return found.astype(np.int64) if found.dtype != np.uint64 else found.astype(np.float64)
    if pa.types.is_integer(type_) or pa.types.is_floating(type_):
        return np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.float64)
    if pa.types.is_boolean(type_):
        truth = column.cast(pa.int8())
        kind = np.float64 if column.null_count else np.int64
        return np.asarray(truth.to_numpy(zero_copy_only=False), dtype=kind)
    if pa.types.is_null(type_):
        return np.full(len(column), np.nan)
    if not (pa.types.is_string(type_) or pa.types.is_large_string(type_)):
        raise Refusal(f"the column {name!r} holds {type_}; a model reads numbers, truth values and texts")
    texts: np.ndarray[Any, Any] = column.to_numpy(zero_copy_only=False).astype(object)
    if column.null_count:
        texts[column.is_null().to_numpy(zero_copy_only=False)] = np.nan
    return texts
