"""Label leakage: how nearly a single column determines the label, from counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from audits.auc import Auc, auc_interval
from audits.engines.port import ROWS
from audits.intervals import critical_value
from audits.measures.quality.correlation import measure_against_quantity
from audits.measures.quality.cramers import measure_cramers
from audits.measures.quality.digests import common_kind
from audits.measures.quality.label import Label, Leakage, labelled
from audits.measures.quality.profile import NUMBERS, valued

if TYPE_CHECKING:
    import ibis

    from audits.engines.port import Engine

ALMOST = 0.95
"""A strength from which a column is said to determine the label almost entirely."""

_ORDERED = NUMBERS | {"date", "time"}


def measure_leakage(engine: Engine, label: Label, column: str, confidence: float) -> Leakage:
    """How nearly a column determines the label, by itself.

    Notes
    -----
    A copy of the label is 1. Otherwise, the larger of two strengths. That of the values: for numbers and dates against
    classes, Somers' D = |2 AUC − 1|, of one class against the rest, the largest over the classes (exact AUC; DeLong's
    interval); for other columns Cramér's V, corrected for chance (Bergsma 2013, J. Korean Stat. Soc. 42, 323–328), so that
    a column of names that are all different does not seem to know the label; against a quantity Pearson's |r|. And that of
    the mere presence of a value: Cramér's V, or |r|, of whether there is one.
    """
    if not label.rows or len(label.classes) == 1:
        said = "the label has one value only" if label.classes else "no row has a label"
        return Leakage(column=column, strength=None, method="exact", note=said)
    if _is_copy(engine, label, column):
        return Leakage(
            column=column, strength=1.0, low=1.0, high=1.0, rows=label.rows, method="exact", note="a copy of the label"
        )
    kind = engine.columns[column]
    if not label.classes:
        by_value, present = measure_against_quantity(engine, label, column, kind, confidence)
    else:
        ordered = kind in _ORDERED
        by_value = (
            _somers(engine, label, column, confidence) if ordered else measure_cramers(engine, label, column, kind)
        )
        present = measure_cramers(engine, label, column, "presence")
    if (present.strength or 0.0) > (by_value.strength or 0.0):
        return present
    return by_value


def _is_copy(engine: Engine, label: Label, column: str) -> bool:
    import ibis

    if common_kind(engine.columns[column], label.kind) is None:
        return False
    mine, other = valued(engine.table, column), valued(engine.table, label.column)
    differing = ibis.ifelse((mine == other).fill_null(False) | (mine.isnull() & other.isnull()), 0, 1)
    found = engine.grouped(measures={"differing": differing.sum().cast("int64")}).columns()
    return int(found["differing"][0] or 0) == 0


def _somers(engine: Engine, label: Label, column: str, confidence: float) -> Leakage:
    """|2 AUC − 1| of the values against one class and the rest, from windows over the distinct values."""
    import ibis

    value = valued(engine.table, column)
    table = labelled(engine, label, value).filter(ibis._._x.notnull())
    classes = label.classes[:1] if len(label.classes) == 2 else label.classes  # noqa: PLR2004 - one decides the other
    totals = {f"p{i}": ibis.ifelse(ibis._._y == one, 1, 0).sum().cast("int64") for i, one in enumerate(classes)}
    sizes = engine.grouped(measures=totals, of=table).columns()
    rows = int(sizes[ROWS][0])
    best: Leakage | None = None
    levels = table.group_by("_x").aggregate(_n=ibis._.count(), **totals)
    order = ibis.cumulative_window(order_by="_x")
    for i, one in enumerate(classes):
        positives = int(sizes[f"p{i}"][0] or 0)
        area = _area(engine, levels, f"p{i}", order, positives, rows - positives)
        if area is None:
            continue
        found = _folded(area, confidence, column, rows, f"class {one!s} against the rest" if len(classes) > 1 else "")
        if best is None or (found.strength or 0.0) > (best.strength or 0.0):
            best = found
    return best or Leakage(
        column=column, strength=None, method="somers-d", note="the rows with a value have one label only"
    )


def _area(engine: Engine, levels: ibis.Table, name: str, order: Any, positives: int, negatives: int) -> Auc | None:
    import ibis

    if not positives or not negatives:
        return None
    counted = levels.select("_x", _p=levels[name].cast("float64"), _q=(levels["_n"] - levels[name]).cast("float64"))
    placed = counted.mutate(_below=counted["_q"].sum().over(order), _upto=counted["_p"].sum().over(order))
    v10 = (ibis._._below - ibis._._q / 2) / negatives
    v01 = 1.0 - (ibis._._upto - ibis._._p / 2) / positives
    measures = {
        "value": (ibis._._p * v10).sum() / positives,
        "s10": (ibis._._p * v10 * v10).sum() / positives,
        "s01": (ibis._._q * v01 * v01).sum() / negatives,
    }
    found = {key: float(values[0]) for key, values in engine.grouped(measures=measures, of=placed).columns().items()}
    value = min(max(found["value"], 0.0), 1.0)
    variance = sum(
        max(found[part] - value * value, 0.0) / max(size - 1, 1)
        for part, size in (("s10", positives), ("s01", negatives))
    )
    return Auc(value=value, variance=variance, positives=positives, negatives=negatives)


def _folded(area: Auc, confidence: float, column: str, rows: int, about: str) -> Leakage:
    low, high, method = auc_interval(area, critical_value(confidence))
    ends = sorted((abs(2 * low - 1), abs(2 * high - 1)))
    strength = abs(2 * area.value - 1)
    note = f"ROC AUC {area.value:.4f}{' of ' + about if about else ''}"
    return Leakage(
        column=column,
        strength=strength,
        low=0.0 if low <= 0.5 <= high else ends[0],  # noqa: PLR2004 - an AUC of one half knows nothing
        high=max(ends[1], strength),
        rows=rows,
        method=f"somers-d {method}",
        note=note,
    )
