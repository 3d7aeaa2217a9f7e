"""Asking a model about rows that are held as columns of arrays: scores, and decisions beside them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from audits.scoring.model import DECISION, SCORE

if TYPE_CHECKING:
    import pyarrow as pa

    from audits.scoring.model import Model

Column: TypeAlias = "npt.NDArray[Any]"
Columns: TypeAlias = Mapping[str, Column]
Tell: TypeAlias = Callable[[float], None]
"""Called with the share of a piece of work that is done; may raise to end it."""

AT_ONCE = 8192
"""Rows of one question: few enough that a model which keeps all its outputs in memory does not choke on them."""


def arrays_of(table: pa.Table, names: Sequence[str]) -> dict[str, Column]:
    """Columns of an Arrow table as arrays: numbers and truths as float64 with NaN for missing, the rest texts with None."""
    import pyarrow.types as kinds

    found: dict[str, Column] = {}
    for name in names:
        column = table.column(name).combine_chunks()
        number = kinds.is_integer(column.type) or kinds.is_floating(column.type) or kinds.is_decimal(column.type)
        if number or kinds.is_boolean(column.type) or kinds.is_null(column.type):
            found[name] = np.asarray(
                [np.nan if value is None else float(value) for value in column.to_pylist()], dtype=np.float64
            )
        else:
            texts = np.empty(len(column), dtype=object)
            texts[:] = [None if value is None else str(value) for value in column.to_pylist()]
            found[name] = texts
    return found


def rows_of(columns: Columns, places: Any) -> dict[str, Column]:
    """Some rows of all columns: a slice, indices, or a mask."""
    return {name: column[places] for name, column in columns.items()}


def count_of(columns: Columns) -> int:
    """How many rows there are."""
    return len(next(iter(columns.values())))


def repeated(columns: Columns, times: int, **changed: Column) -> dict[str, Column]:
    """All rows ``times`` times over, one block after the other, with some columns given anew."""
    return {**{name: np.tile(column, times) for name, column in columns.items() if name not in changed}, **changed}


def scores_of(model: Model, columns: Columns, tell: Tell | None = None) -> npt.NDArray[np.float64]:
    """(rows,) scores, asked in questions of a bounded size."""
    count, parts = count_of(columns), []
    for start in range(0, count, AT_ONCE):
        if tell is not None:
            tell(start / count)
        parts.append(np.asarray(model.scores(rows_of(columns, slice(start, start + AT_ONCE))), dtype=np.float64))
    return np.concatenate(parts) if parts else np.zeros(0)


def answers_of(model: Model, columns: Columns, tell: Tell | None = None) -> tuple[npt.NDArray[np.float64], Column]:
    """(rows,) scores and (rows,) decisions: texts for classes, numbers for regression."""
    count = count_of(columns)

    def batches() -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        for start in range(0, count, AT_ONCE):
            if tell is not None:
                tell(start / count)
            some = rows_of(columns, slice(start, start + AT_ONCE))
            names = list(model.interface.inputs)
            yield pa.RecordBatch.from_arrays([pa.array(some[name]) for name in names], names=names)

    scores: list[Any] = []
    decisions: list[Any] = []
    for batch in model.score(batches()):
        scores += batch.column(SCORE).to_pylist()
        decisions += batch.column(DECISION).to_pylist()
    decided = np.asarray(decisions, dtype=np.float64 if decisions and isinstance(decisions[0], float) else object)
    return np.asarray(scores, dtype=np.float64), decided
