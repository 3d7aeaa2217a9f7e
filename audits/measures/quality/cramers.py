"""Cramér's V of a column of categories against classes, from counts."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from audits.measures.quality.label import Label, Leakage, labelled
from audits.measures.quality.profile import valued

if TYPE_CHECKING:
    from audits.engines.port import Engine


def measure_cramers(engine: Engine, label: Label, column: str, kind: str) -> Leakage:
    """Cramér's V of a column of categories, or of whether it has a value, against classes."""
    import ibis

    value = valued(engine.table, column)
    x = value.isnull() if kind in {"presence", "other"} else value
    pairs = labelled(engine, label, x).group_by(["_x", "_y"]).aggregate(_c=ibis._.count())
    counted = pairs.mutate(
        _c=pairs["_c"].cast("float64"),
        _a=pairs["_c"].sum().over(ibis.window(group_by="_x")).cast("float64"),
        _b=pairs["_c"].sum().over(ibis.window(group_by="_y")).cast("float64"),
        _first=ibis.row_number().over(ibis.window(group_by="_x", order_by="_y")),
        _second=ibis.row_number().over(ibis.window(group_by="_y", order_by="_x")),
    )
    measures = {
        "phi": (ibis._._c * ibis._._c / (ibis._._a * ibis._._b)).sum() - 1.0,
        "r": ibis.ifelse(ibis._._first == 0, 1, 0).sum().cast("int64"),
        "c": ibis.ifelse(ibis._._second == 0, 1, 0).sum().cast("int64"),
    }
    found = engine.grouped(measures=measures, of=counted).columns()
    strength = corrected_cramers_v(float(found["phi"][0] or 0.0), int(found["r"][0]), int(found["c"][0]), label.rows)
    what = "of whether there is a value" if kind in {"presence", "other"} else "corrected for chance"
    return Leakage(
        column=column,
        strength=strength,
        rows=label.rows,
        method="cramers-v",
        note=f"Cramér's V {what}, without interval",
    )


def corrected_cramers_v(phi_squared: float, rows: int, columns: int, n: int) -> float:
    """Cramér's V corrected for chance, of an r × c table of n cases with ``phi_squared = χ²/n``.

    Notes
    -----
    Bergsma (2013): ``√(max(0, φ² − (r − 1)(c − 1)/(n − 1)) / min(r̃ − 1, c̃ − 1))`` with ``r̃ = r − (r − 1)²/(n − 1)`` and
    c̃ alike. 0 where a side has one value only.
    """
    if min(rows, columns) <= 1 or n <= 1:
        return 0.0
    excess = max(0.0, phi_squared - (rows - 1) * (columns - 1) / (n - 1))
    room = min(side - (side - 1) ** 2 / (n - 1) for side in (rows, columns)) - 1
    return min(math.sqrt(excess / room), 1.0) if room > 0 and excess > 0 else 0.0
