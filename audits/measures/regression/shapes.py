"""How errors spread, and mean labels by predicted value: the tables behind pictures of a regression. Pure."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from audits.engines.port import MISSING_BIN, ROWS, binned
from audits.intervals import critical_value
from audits.measures.quantiles import quantiles
from audits.measures.sums import SumSet
from audits.series import Series

if TYPE_CHECKING:
    from audits.measures.regression.moments import Moments, Rows

_BARS, _BINS = 30, 10
_TAIL = 0.01
_WIDE, _NARROW = 3, 2


def residual_series(rows: Rows, moments: Moments) -> Series:
    """``residuals``: rows by error (prediction minus label), 30 equal parts between the 1st and 99th percentile, and the tails."""
    if rows.engine.disclosure:
        # Percentiles and extremes are values of single rows.
        mean, root = moments.sums["w_e"] / moments.sums["w"], sqrt(moments.sums["w_e2"] / moments.sums["w"])
        low, high = mean - _WIDE * root, mean + _WIDE * root
    else:
        low, high = quantiles(rows.engine, rows.error, [_TAIL, 1 - _TAIL])
    edges = sorted(set(np.linspace(low, high, _BARS + 1).tolist())) if high > low else [low]
    found = rows.engine.histogram(rows.error, edges).columns()
    counted = dict(zip(found["bin"], found[ROWS], strict=True))
    limits: list[float | None] = [None, *edges, None]
    return Series(
        name="residuals",
        title="Rows by error (prediction minus label)",
        columns=("lower", "upper", "n"),
        rows=tuple((limits[i], limits[i + 1], int(counted.get(i, 0))) for i in range(len(edges) + 1)),
    )


def calibration_series(rows: Rows, moments: Moments, confidence: float) -> Series:
    """``calibration``: mean label by tenths of the prediction, with large-sample limits."""
    at = rows.ranges["prediction"]
    if rows.engine.disclosure:
        spread = _NARROW * sqrt(moments.sums["w_d2"] / moments.sums["w"])
        cuts = np.linspace(moments.mean_label - spread, moments.mean_label + spread, _BINS - 1).tolist()
    else:
        cuts = quantiles(rows.engine, rows.prediction, [(i + 1) / _BINS for i in range(_BINS - 1)], weight=rows.weight)
    edges = sorted(set(cuts)) if at.high > at.low else []
    centre = rows.label - moments.mean_label
    label, weight = rows.ranges["label"].largest + abs(moments.mean_label), rows.largest_weight
    sums = SumSet(
        numbers={
            "w": (rows.weights, weight),
            "w2": (rows.weights * rows.weights, weight**2),
            "p": (rows.weights * rows.prediction, weight * at.largest),
            "y": (rows.weights * centre, weight * label),
            "w2y": (rows.weights * rows.weights * centre, weight**2 * label),
            "w2y2": (rows.weights * rows.weights * centre * centre, weight**2 * label**2),
        }
    )
    by: dict[str, Any] = {"bin": binned(rows.prediction, edges)} if edges else {}
    table = rows.engine.grouped(by, sums.measures()).table
    found = sums.read(table)
    places = np.asarray(table["bin"], dtype=np.int64) if edges else np.zeros(1, dtype=np.int64)
    outer = (None, None) if rows.engine.disclosure else (at.low, at.high)
    limits = [outer[0], *edges, outer[1]]
    z = critical_value(confidence)
    shown = []
    for i in np.argsort(places).tolist():
        if places[i] == MISSING_BIN:
            continue
        n, w = int(found[ROWS][i]), found["w"][i]
        mean = found["y"][i] / w
        squares = found["w2y2"][i] - 2 * mean * found["w2y"][i] + mean**2 * found["w2"][i]
        half = z * float(np.sqrt(max(squares, 0.0) * n / max(n - 1, 1)) / w) if n > 1 else None
        value = float(mean + moments.mean_label)
        low, high = (None, None) if half is None else (value - half, value + half)
        shown.append((limits[places[i]], limits[places[i] + 1], float(found["p"][i] / w), value, low, high, n))
    return Series(
        name="calibration",
        title="Mean label by predicted value, bins of equal mass",
        columns=("lower", "upper", "mean_prediction", "mean_label", "low", "high", "n"),
        rows=tuple(shown),
    )
