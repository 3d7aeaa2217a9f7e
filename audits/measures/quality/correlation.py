"""Pearson's correlation of a column with a label that is a quantity, from sums."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from audits.engines.port import ROWS, exactly
from audits.intervals import critical_value
from audits.measures.quality.label import Label, Leakage, labelled
from audits.measures.quality.profile import NUMBERS, valued

if TYPE_CHECKING:
    import ibis

    from audits.engines.port import Engine

_FEWEST = 4


def measure_against_quantity(
    engine: Engine, label: Label, column: str, kind: str, confidence: float
) -> tuple[Leakage, Leakage]:
    """|r| with a label that is a quantity: of the values, where they are numbers, and of their presence."""
    import ibis

    value = valued(engine.table, column)
    presence = _pearson(
        engine, label, column, ibis.ifelse(value.isnull(), 1.0, 0.0), "of whether there is a value", confidence
    )
    if kind in NUMBERS:
        return _pearson(engine, label, column, value.cast("float64"), "of the values", confidence), presence
    if kind == "boolean":
        return _pearson(
            engine, label, column, value.cast("int64").cast("float64"), "of the values", confidence
        ), presence
    unknown = Leakage(
        column=column, strength=None, method="pearson", note="categories against a quantity are not measured"
    )
    return unknown, presence


def _pearson(engine: Engine, label: Label, column: str, x: ibis.Value, what: str, confidence: float) -> Leakage:
    import ibis

    infinite = ibis._._x.isinf() | ibis._._y.isinf()
    table = labelled(engine, label, x).mutate(_y=ibis._._y.cast("float64"))
    table = table.filter(ibis._._x.notnull()).filter(~infinite)
    means = engine.grouped(measures={"x": ibis._._x.mean(), "y": ibis._._y.mean()}, of=table).columns()
    rows = int(means[ROWS][0])
    if rows <= 1:
        return Leakage(column=column, strength=None, rows=rows, method="pearson", note="too few rows with a value")
    # Centred first: sums of squares of large numbers would lose the digits that matter.
    x0, y0 = ibis._._x - exactly(means["x"][0]), ibis._._y - exactly(means["y"][0])
    sums = engine.grouped(measures={"xx": (x0 * x0).sum(), "yy": (y0 * y0).sum(), "xy": (x0 * y0).sum()}, of=table)
    xx, yy, xy = (float(sums.columns()[name][0]) for name in ("xx", "yy", "xy"))
    if xx <= 0 or yy <= 0:
        return Leakage(column=column, strength=0.0, rows=rows, method="pearson", note=f"a constant, {what}")
    strength = min(abs(xy) / math.sqrt(xx * yy), 1.0)
    low, high = _fisher(strength, rows, confidence)
    return Leakage(
        column=column,
        strength=strength,
        low=low,
        high=high,
        rows=rows,
        method="pearson fisher-z",
        note=f"Pearson's |r| {what}",
    )


def _fisher(r: float, n: int, confidence: float) -> tuple[float, float]:
    """Fisher's interval of a correlation, of its size."""
    if n < _FEWEST or r >= 1:
        return (r, 1.0) if r >= 1 else (0.0, 1.0)
    half = critical_value(confidence) / math.sqrt(n - 3)
    return max(math.tanh(math.atanh(r) - half), 0.0), math.tanh(math.atanh(r) + half)
