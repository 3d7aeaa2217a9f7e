"""A bounded sample of rows, the same on every engine and every run, with or without a key. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from audits.engines.expressions import md5_hex, told

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa

    from audits.engines.port import Engine

_PART = float(1 << 40)


@dataclass(frozen=True, eq=False)
class Sample:
    """Rows that were drawn, of how many."""

    table: pa.Table
    total: int

    @property
    def said(self) -> str:
        """How many rows, of how many, for people."""
        drawn = len(self.table)
        return f"all {drawn:,} rows" if drawn == self.total else f"a sample of {drawn:,} of {self.total:,} rows"


def sample_rows(engine: Engine, columns: Sequence[str], rows: int, *, key: Sequence[str], seed: int) -> Sample:
    """At most ``rows`` rows, those whose digests are the smallest.

    Parameters
    ----------
    columns
        The columns wanted.
    key
        Columns that identify a row. Without one the digest is made over all the columns wanted, numbers as their whole part
        and 40 bits of the rest, which is the same on every engine; rows that are equal in all of them are drawn together.
    """
    total = engine.rows()
    if key:
        return Sample(engine.keyed_sample(rows, key=list(key), columns=list(columns), seed=seed), total)
    import ibis

    kinds = engine.columns
    parts = [ibis.literal(str(seed))]
    for name in columns:
        value = engine.table[name]
        parts += _halves(value) if kinds[name] == "number" else [told(value)]
    drawn = engine.table.select(
        **{f"c{i}": engine.table[name] for i, name in enumerate(columns)},
        digest=md5_hex(ibis.literal("\x1f").join(parts)),
    )
    chosen = drawn.order_by("digest").limit(rows).drop("digest")
    return Sample(engine.read(chosen).rename_columns(list(columns)), total)


def _halves(value: ibis.Value) -> list[ibis.Value]:
    """The texts of a number's whole part (modulo 2^40) and of the first 40 bits after it; empty where it is no number."""
    import ibis

    number = value.cast("float64")
    sound = number.notnull() & ~number.isnan() & ~number.isinf()
    safe = ibis.ifelse(sound, number, 0.0)
    whole = safe.floor()
    cycles = (whole / _PART).floor() * _PART
    low, high = ((safe - whole) * _PART).floor().cast("int64"), (whole - cycles).cast("int64")
    return [ibis.ifelse(sound, told(part), "") for part in (high, low)]
