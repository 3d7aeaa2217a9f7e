"""Exact weighted quantiles of a column by counting only: histograms that narrow down, then the few values in between. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from audits.engines.port import ROWS, bound, exactly
from registry.errors import InvalidInput

if TYPE_CHECKING:
    import ibis

    from audits.engines.port import Engine, Value

FEW_ROWS = 1 << 14
_PARTS = 1024
_EPS = float(np.finfo(np.float64).eps)


@dataclass(slots=True)
class _Bracket:
    """Where one quantile lies: in ``[low, high]``, with this much weight below and this many rows within."""

    target: float
    low: float
    high: float
    before: float
    rows: int

    @property
    def open(self) -> bool:
        return self.rows > FEW_ROWS and 0 < _PARTS / (self.high - self.low or float("inf")) < float("inf")


def quantiles(
    engine: Engine,
    value: Value,
    probabilities: Sequence[float],
    *,
    weight: Value | None = None,
    of: ibis.Table | None = None,
) -> list[float]:
    """Quantiles of a column or expression without missing values.

    Parameters
    ----------
    value
        Finite numbers.
    probabilities
        Each in [0, 1].
    weight
        Positive weights; by default every row counts one.
    of
        A table made from the engine's to read in its stead.

    Returns
    -------
    list of float
        Per probability ``p``: the smallest value at and below which lies at least ``p`` of the weight, or the mean of it and
        the next where it is exactly ``p`` (definition 2 of Hyndman and Fan 1996, The American Statistician 50, 361–365; the
        median of scikit-learn, weighted or not). The same on every engine: nothing is sampled or approximated.
    """
    import ibis

    table = engine.table if of is None else of
    number = bound(table, value).cast("float64")
    weighing = ibis.literal(1) if weight is None else bound(table, weight)
    source = table.mutate(_value=number, _weight=weighing)
    sums = {"low": ibis._._value.min(), "high": ibis._._value.max(), "weight": ibis._._weight.sum()}
    whole = {name: column[0] for name, column in engine.grouped((), sums, of=source).columns().items()}
    if not whole[ROWS]:
        raise InvalidInput("there is no number to take quantiles of", field="data")
    total = float(whole["weight"])
    brackets = [_Bracket(p * total, float(whole["low"]), float(whole["high"]), 0.0, whole[ROWS]) for p in probabilities]
    while any(bracket.open for bracket in brackets):
        _narrow(engine, source, brackets, sums)
    return _between(engine, source, brackets)


def _narrow(engine: Engine, source: ibis.Table, brackets: Sequence[_Bracket], sums: dict[str, Any]) -> None:
    """One histogram over the brackets that are still wide; each then is one of its bins.

    Bins are made by arithmetic: rounding keeps it monotone, and each bin tells the smallest and the largest value in it, so
    that where exactly its edges lie does not matter.
    """
    import ibis

    wide = sorted({(b.low, b.high) for b in brackets if b.open})
    within = source.filter(_in_any(source, wide))
    value, place = within["_value"], ibis.literal(0)
    for index, (start, end) in enumerate(wide):
        part = ((value - exactly(start)) * exactly(_PARTS / (end - start))).floor().cast("int64") + index * 2 * _PARTS
        place = ibis.ifelse(value >= exactly(start), part, place)
    result = engine.grouped({"bin": place}, sums, of=within).columns()
    order = np.argsort(result["low"])
    low, high, weight = (np.array(result[name], dtype=np.float64)[order] for name in ("low", "high", "weight"))
    rows = np.array(result[ROWS])[order]
    for bracket in brackets:
        if bracket.open:
            own = np.flatnonzero((low >= bracket.low) & (high <= bracket.high))
            through = bracket.before + np.cumsum(weight[own])
            k = min(int(np.searchsorted(through, bracket.target)), len(own) - 1)
            bracket.before = float(through[k] - weight[own[k]])
            bracket.low, bracket.high, bracket.rows = float(low[own[k]]), float(high[own[k]]), int(rows[own[k]])


def _in_any(source: ibis.Table, ranges: Iterable[tuple[float, float]]) -> ibis.Value:
    import ibis

    value = source["_value"]
    return ibis.or_(*(value.between(exactly(low), exactly(high)) for low, high in sorted(ranges)))


def _between(engine: Engine, source: ibis.Table, brackets: Sequence[_Bracket]) -> list[float]:
    """The quantiles themselves, from the counted values of the narrow brackets and the next value above each."""
    import ibis

    within = source.filter(_in_any(source, {(bracket.low, bracket.high) for bracket in brackets}))
    counted = engine.grouped({"value": "_value"}, {"weight": ibis._._weight.sum()}, of=within).columns()
    order = np.argsort(counted["value"])
    values = np.array(counted["value"], dtype=np.float64)[order]
    weights = np.array(counted["weight"], dtype=np.float64)[order]
    found: list[float] = []
    for bracket in brackets:
        inside = (values >= bracket.low) & (values <= bracket.high)
        own, through = values[inside], bracket.before + np.cumsum(weights[inside])
        k = min(int(np.searchsorted(through, bracket.target)), len(own) - 1)
        met = abs(through[k] - bracket.target) <= _EPS * max(bracket.target, 1.0)
        if met and k + 1 < len(own):
            found.append(float(own[k] + own[k + 1]) / 2)
        else:
            found.append(_midway(engine, source, float(own[k])) if met else float(own[k]))
    return found


def _midway(engine: Engine, source: ibis.Table, value: float) -> float:
    """The mean of a value and the next larger one in the data; itself where it is the largest."""
    import ibis

    above = engine.grouped(
        (), {"next": ibis._._value.min()}, of=source.filter(ibis._._value > exactly(value))
    ).columns()["next"]
    return value if above[0] is None else (value + float(above[0])) / 2
