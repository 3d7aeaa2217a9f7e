"""The columns that slices are cut from: their levels, or bins at quantiles where they are numbers. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from audits.engines.port import MISSING_BIN, binned
from audits.group_names import UNKNOWN
from audits.measures.distinct_values import holds_more_than
from audits.measures.quantiles import quantiles
from registry.errors import InvalidInput

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa

    from audits.engines.port import Engine, Value

MOST_DISTINCT_NUMBERS = 10
_QUINTILES = (0.2, 0.4, 0.6, 0.8)
_NUMBERS = ("integer", "number")
_NO_NAME = {"", "nan", "null", "<na>", "none"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One column to cut by.

    Attributes
    ----------
    column
        Its name.
    value
        The expression to group by: the column, or the bin of its number.
    names
        What its levels are called, sorted (bins ascending); a missing value is ``unknown``.
    places
        Value of ``value`` to the index of its level; ``None`` stands for whatever is not listed.
    """

    column: str
    value: Value
    names: tuple[str, ...]
    places: Mapping[Any, int]

    def codes(self, values: pa.ChunkedArray) -> npt.NDArray[np.int64]:
        """Indices into ``names`` of the values of a result."""
        encoded = values.combine_chunks().dictionary_encode()
        table = [self.places.get(_key(value), self.places.get(None, 0)) for value in encoded.dictionary.to_pylist()]
        table.append(self.places.get(None, 0))
        indices = encoded.indices.fill_null(len(table) - 1).to_numpy(zero_copy_only=False)
        found: npt.NDArray[np.int64] = np.array(table, dtype=np.int64)[indices]
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A table and the axes to cut it by.

    Attributes
    ----------
    source
        The table that the values of the axes are of: names as they are written.
    """

    engine: Engine
    source: ibis.Table
    axes: tuple[Axis, ...]


def cut_by(engine: Engine, columns: Sequence[str], *, as_written: Sequence[str] = (), most_levels: int) -> Cut:
    """The axes of the columns.

    Columns of more than ten different numbers are cut at their exact quintiles; all others by value.

    Parameters
    ----------
    as_written
        Further columns that the source is to hold as they are written.
    most_levels
        Most values of a column that is cut by value.

    Raises
    ------
    InvalidInput
        If a column is not there, holds more than ``most_levels`` values, or neither names nor numbers; or if small groups
        are to be held back: errors among the rows of a slice are small groups.
    """
    if engine.disclosure:
        raise InvalidInput("slices cannot be searched while small groups are held back", field="slices")
    engine.require(*columns, field="slices")
    kinds = engine.columns
    for column in columns:
        if kinds[column] == "other":
            raise InvalidInput(f"column {column!r} holds neither names nor numbers; slices need either", field="slices")
    numbers = {c for c in columns if kinds[c] in _NUMBERS and holds_more_than(engine, c, MOST_DISTINCT_NUMBERS)}
    for column in columns:
        if column not in numbers and holds_more_than(engine, column, most_levels):
            raise InvalidInput(
                f"column {column!r} holds more than {most_levels} different values; "
                "bin it (places into regions) or raise max_groups",
                field="slices",
            )
    source = engine.as_written([*as_written, *(column for column in columns if column not in numbers)])
    axes = (_of_numbers(engine, source, c) if c in numbers else _of_names(engine, source, c) for c in columns)
    return Cut(engine=engine, source=source, axes=tuple(axes))


def _of_names(engine: Engine, source: ibis.Table, column: str) -> Axis:
    found = engine.grouped({"value": source[column]}, of=source).columns()["value"]
    named = {_key(value): _name(value) for value in found}
    names = tuple(sorted({UNKNOWN, *named.values()}))
    places = {key: names.index(name) for key, name in named.items()}
    return Axis(column=column, value=source[column], names=names, places=places | {None: names.index(UNKNOWN)})


def _of_numbers(engine: Engine, source: ibis.Table, column: str) -> Axis:
    import ibis

    def finite(table: ibis.Table) -> ibis.Value:
        number = table[column].cast("float64")
        return ibis.ifelse(number.isnan() | number.isinf(), ibis.null("float64"), number)

    known = engine.table.filter(finite(engine.table).notnull())
    edges = sorted(set(quantiles(engine, finite(known), _QUINTILES, of=known)))
    texts = _texts(edges)
    names = (
        f"below {texts[0]}",
        *(f"{low} to below {high}" for low, high in pairwise(texts)),
        f"{texts[-1]} and above",
        UNKNOWN,
    )
    places = {bin_: bin_ for bin_ in range(len(edges) + 1)} | {MISSING_BIN: len(names) - 1, None: len(names) - 1}
    return Axis(column=column, value=binned(finite(source), edges), names=names, places=places)


def _texts(edges: Sequence[float]) -> list[str]:
    short = [f"{edge:.6g}" for edge in edges]
    return short if len(set(short)) == len(short) else [repr(edge) for edge in edges]


def _key(value: Any) -> Any:
    return None if value is None or value != value else value  # noqa: PLR0124 - NaN


def _name(value: Any) -> str:
    text = str(value)
    return UNKNOWN if _key(value) is None or text.strip().lower() in _NO_NAME else text
