"""Rows and values as digests of their text, so that two tables can be compared wherever each of them lies."""

from __future__ import annotations

import binascii
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from audits.engines.expressions import exactly, md5_hex
from audits.measures.quality.profile import NUMBERS, valued

if TYPE_CHECKING:
    import ibis

    from audits.engines.port import Engine

Digests = npt.NDArray[np.uint64]

_MISSING, _BETWEEN = "\x1e", "\x1f"
_MOST_STEPS = 1e15


def common_kind(one: str, other: str) -> str | None:
    """The kind in which values of two columns can be compared; ``None`` if there is none."""
    if one == other:
        return None if one == "other" else one
    return "number" if {one, other} <= NUMBERS else None


def text_of(table: ibis.Table, column: str, kind: str) -> Any:
    """The text of a value, the same on both sides of a comparison; a missing value has a text of its own."""
    value = valued(table, column)
    if kind == "number":
        return _text_of_number(value.cast("float64")).fill_null(_MISSING)
    return value.cast("string").fill_null(_MISSING)


def _text_of_number(value: Any) -> Any:
    """Whole numbers as such and the infinite ones by name, because engines write those differently (``1.0``, ``1``)."""
    import ibis

    whole = value.cast("int64").cast("string")
    told = ibis.ifelse(value.floor() == value, whole, value.cast("string"))
    endless = ibis.ifelse(value > 0, "inf", "-inf")
    return ibis.ifelse(
        value.abs() < exactly(_MOST_STEPS), told, ibis.ifelse(value.isinf(), endless, value.cast("string"))
    )


def near_text_of(table: ibis.Table, column: str, kind: str, unit: float) -> Any:
    """The text of a value that near ones share: numbers in whole units, texts without case and outer spaces."""
    import ibis

    value = valued(table, column)
    if kind in NUMBERS:
        steps = value.cast("float64") / exactly(unit)
        bounded = ibis.greatest(ibis.least(steps, exactly(_MOST_STEPS)), exactly(-_MOST_STEPS))
        # Rounded up at one half on all engines; their own rounding functions differ.
        return (bounded + exactly(0.5)).floor().cast("int64").cast("string").fill_null(_MISSING)
    if kind == "text":
        return value.strip().lower().fill_null(_MISSING)
    return value.cast("string").fill_null(_MISSING)


def digest_of_row(texts: Mapping[str, Any]) -> Any:
    """MD5 of the texts of a row's columns."""
    import ibis

    return md5_hex(ibis.literal(_BETWEEN).join(list(texts.values())))


def digest_of_value(place: int, text: Any) -> Any:
    """MD5 of the text of one column, different for each column."""
    import ibis

    return md5_hex(ibis.literal(_BETWEEN).join([ibis.literal(str(place)), text]))


def read_digests(engine: Engine, table: ibis.Table, columns: list[str]) -> Iterator[tuple[Digests, Any]]:
    """The first 64 bits of each digest, in bounded batches: (rows, columns), with the batch that they came in.

    Two different values share 64 bits with a chance of one in 1.8e19, so among 10 million rows against 10 million others
    a match by chance is expected five times in a million comparisons of whole tables.
    """
    for batch in engine.batches(table):
        if batch.num_rows:
            yield np.column_stack([_numbers(batch.column(name)) for name in columns]), batch


def _numbers(column: Any) -> Digests:
    import pyarrow as pa

    text = column.cast(pa.string())
    offsets = np.frombuffer(text.buffers()[1], dtype=np.int32)[text.offset : text.offset + len(text) + 1]
    raw = binascii.unhexlify(memoryview(text.buffers()[2])[offsets[0] : offsets[-1]])
    return np.frombuffer(raw, dtype=">u8").reshape(len(text), 2)[:, 0].astype(np.uint64)


def found_in(values: Digests, known: Digests) -> npt.NDArray[np.bool_]:
    """Which values are among ``known``, which ascends."""
    if not len(known):
        return np.zeros(values.shape, dtype=np.bool_)
    place = np.minimum(np.searchsorted(known, values), len(known) - 1)
    hit: npt.NDArray[np.bool_] = known[place] == values
    return hit
