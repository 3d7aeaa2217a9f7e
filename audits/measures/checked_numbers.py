"""Columns of numbers on an engine, checked: all there, all finite, or an error that names the first row that is not. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from audits.engines.port import ROWS
from audits.prediction_columns import Numbers
from audits.prediction_errors import PredictionsError
from audits.prediction_files import Limits, open_sources, read_batches

if TYPE_CHECKING:
    import ibis

    from audits.engines.opening import Data
    from audits.engines.port import Engine, Value

LARGEST = 1e60
"""Larger numbers are refused: their fourth powers could not be summed."""

_SMALLEST_WEIGHT = float(np.nextafter(0.0, 1.0))
_LARGEST_WEIGHT = 1e15


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A column of numbers and what they must be."""

    column: str
    low: float = -LARGEST
    high: float = LARGEST
    what: str = "a finite number (up to 1e60)"


def weight_column(column: str) -> Wanted:
    """What sample weights must be."""
    return Wanted(column=column, low=_SMALLEST_WEIGHT, high=_LARGEST_WEIGHT, what="a positive number")


def probability_column(column: str) -> Wanted:
    """What probabilities must be."""
    return Wanted(column=column, low=0.0, high=1.0, what="a probability in [0, 1]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Least and largest value of a column, as the check found them."""

    low: float
    high: float

    @property
    def largest(self) -> float:
        """The largest absolute value."""
        return max(abs(self.low), abs(self.high))


def number(engine: Engine, column: str) -> ibis.Value:
    """The column as floating-point numbers."""
    return engine.table[column].cast("float64")


def check_numbers(engine: Engine, data: Data, columns: Mapping[str, Wanted]) -> tuple[int, dict[str, Range]]:
    """Rows, and the range of each column, once all of them hold what they must.

    Parameters
    ----------
    columns
        Name in the answer to what is wanted.

    Raises
    ------
    PredictionsError
        Naming file and column, and in a local file the first row (and line) that is wrong.
    """
    for wanted in columns.values():
        _check_kind(engine, data, wanted)
    measures: dict[str, Value] = {}
    for name, wanted in columns.items():
        value = number(engine, wanted.column)
        fits = value.notnull() & ~value.isnan() & (value >= wanted.low) & (value <= wanted.high)
        measures |= {
            f"{name}_fit": fits.cast("int64").sum().cast("int64"),
            f"{name}_low": value.min(),
            f"{name}_high": value.max(),
        }
    found = {name: column[0] for name, column in engine.grouped((), measures).columns().items()}
    rows = int(found[ROWS])
    if not rows:
        raise PredictionsError(f"{data.name}: has no data rows", file=data.name)
    for name, wanted in columns.items():
        if wrong := rows - int(found[f"{name}_fit"] or 0):
            raise_at_row(data, wanted)
            held = "row does not hold" if wrong == 1 else "rows do not hold"
            raise _error(data, wanted, f"{wrong:,} {held} {wanted.what}")
    return rows, {name: Range(low=found[f"{name}_low"], high=found[f"{name}_high"]) for name in columns}


def _check_kind(engine: Engine, data: Data, wanted: Wanted) -> None:
    kinds = engine.columns
    if wanted.column not in kinds:
        there = ", ".join(map(repr, list(kinds)[:50]))
        message = f"{data.name}: has no column {wanted.column!r}; it has {there}"
        raise PredictionsError(message, file=data.name, column=wanted.column)
    kind = kinds[wanted.column]
    if kind in ("number", "integer"):
        return
    if kind == "text":
        if not engine.rows():
            raise PredictionsError(f"{data.name}: has no data rows", file=data.name)
        raise_at_row(data, wanted)
        raise _error(data, wanted, f"holds text; each row must be {wanted.what}: keep it as a column of numbers")
    held = {"boolean": "true and false", "date": "dates", "time": "times"}.get(kind, "nested values")
    raise _error(data, wanted, f"holds {held} where each row must be {wanted.what}")


def raise_at_row(data: Data, wanted: Wanted) -> None:
    """Raise at the first row of a local file that is not what is wanted; do nothing where there is none, or no file."""
    if data.path is None:
        return
    limits, reader = Limits(), Numbers(wanted.column)
    for batch in read_batches(open_sources(data.path, data.name, limits), [wanted.column], limits):
        reader.add(batch.columns[wanted.column], batch)
    if len(reader):
        reader.within(wanted.low, wanted.high, wanted.what)


def _error(data: Data, wanted: Wanted, message: str) -> PredictionsError:
    return PredictionsError(f"{data.name}: column {wanted.column!r}: {message}", file=data.name, column=wanted.column)
