"""scikit-learn's regression metrics from moments, with large-sample limits; few rows are drawn again instead. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import exp, log, sqrt
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from audits.engines.port import ROWS
from audits.intervals import Floats, critical_value, wilson
from audits.measurement import Measurement
from audits.measures.quantiles import quantiles
from audits.measures.weighted_shares import effective

if TYPE_CHECKING:
    from audits.engines.port import Value
    from audits.measures.regression.moments import Moments, Rows

FEW_ROWS = 200
"""Below this many rows limits come from the bootstrap instead of from large-sample theory."""

_REPLICATES = 2000
_TRACE = 1e-9
_CONSTANT = "undefined: all labels are equal"
_SINGLE = "one row tells no spread"


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value, and its large-sample limits as a function of the critical value."""

    value: float | None
    limits: Callable[[float], tuple[float, float]] | None = None
    note: str = ""


def regression_measurements(
    rows: Rows, moments: Moments, *, confidences: tuple[float, ...], seed: int
) -> Iterator[Measurement]:
    """``mean_absolute_error``, ``mean_squared_error``, ``root_mean_squared_error``, ``r2_score``, ``mean_error``, ``median_absolute_error``.

    Notes
    -----
    Means: the delta method, ``n/(n − 1) Σw²(l − m)²/(Σw)²`` (Särndal, Swensson and Wretman 1992, section 5.7); the squared
    error on the log scale, and ``1 − R²``, a ratio of two means, on the log scale too, since both are positive and skewed.
    Below 200 rows: the percentile bootstrap over rows (Efron and Tibshirani 1993, chapter 13). The median: order
    statistics at Wilson's limits of one half (Woodruff 1952, JASA 47, 635–646), at any size.
    """
    estimates = estimates_of(moments)
    small = rows.rows < FEW_ROWS and not rows.engine.disclosure
    draws = _bootstrap(rows, seed) if small and rows.rows > 1 else {}
    for confidence in confidences:
        yield Measurement(
            metric="count",
            value=float(rows.rows),
            n=rows.rows,
            method="exact count",
            confidence=confidence,
        )
        for metric, found in estimates.items():
            yield _measurement(metric, found, rows.rows, confidence, draws.get(metric))
        yield _median(rows, moments, confidence)


def _measurement(metric: str, found: Estimate, n: int, confidence: float, draws: Floats | None) -> Measurement:
    low: float | None = None
    high: float | None = None
    if found.value is not None and found.limits is not None and n > 1:
        if draws is not None:
            tail = (1 - confidence) / 2
            low, high = (float(limit) for limit in np.quantile(draws, [tail, 1 - tail]))
        else:
            low, high = found.limits(critical_value(confidence))
        low, high = min(low, found.value), max(high, found.value)
    return Measurement(
        metric=metric,
        value=found.value,
        low=low,
        high=high,
        n=n,
        method="bootstrap-percentile" if draws is not None else "delta",
        confidence=confidence,
        note=found.note or (_SINGLE if n == 1 else ""),
    )


def estimates_of(moments: Moments) -> dict[str, Estimate]:
    """The metrics that are functions of moments, by name."""
    s, n = moments.sums, moments.rows
    weight, freedom = s["w"], n / max(n - 1, 1)

    def spread(linear: str, square: str, mean: float) -> float:
        squares = s[f"w2_{square}"] - 2 * mean * s[f"w2_{linear}"] + mean**2 * s["w2"]
        return sqrt(max(squares, 0.0) * freedom) / weight

    mean, absolute, squared = (s[f"w_{name}"] / weight for name in ("e", "a", "e2"))
    mean_error, absolute_error = spread("e", "e2", mean), spread("a", "e2", absolute)
    squared_error = spread("e2", "e4", squared)

    def of_square(z: float) -> tuple[float, float]:
        return _on_log_scale(squared, squared_error, z)

    def of_root(z: float) -> tuple[float, float]:
        low, high = of_square(z)
        return sqrt(low), sqrt(high)

    return {
        "mean_absolute_error": Estimate(
            absolute, lambda z: (max(absolute - z * absolute_error, 0.0), absolute + z * absolute_error)
        ),
        "mean_squared_error": Estimate(squared, of_square),
        "root_mean_squared_error": Estimate(sqrt(squared), of_root),
        "r2_score": _explained(moments, freedom),
        "mean_error": Estimate(mean, lambda z: (mean - z * mean_error, mean + z * mean_error)),
    }


def _explained(moments: Moments, freedom: float) -> Estimate:
    s = moments.sums
    whole = s["w_d2"]
    if moments.constant or not whole > 0:
        return Estimate(None, note=_CONSTANT)
    left = s["w_e2"] / whole
    squares = s["w2_e4"] - 2 * left * s["w2_e2d2"] + left**2 * s["w2_d4"]
    error = sqrt(max(squares, 0.0) * freedom) / whole

    def limits(z: float) -> tuple[float, float]:
        low, high = _on_log_scale(left, error, z)
        return 1 - high, 1 - low

    return Estimate(1 - left, limits)


def _on_log_scale(value: float, error: float, z: float) -> tuple[float, float]:
    """``value · exp(∓ z error/value)``."""
    if not value > 0:
        return 0.0, 0.0
    step = min(z * error / value, 700.0)
    return exp(log(value) - step), exp(log(value) + step)


def _median(rows: Rows, moments: Moments, confidence: float) -> Measurement:
    held_back = rows.engine.disclosure > 0
    value, low, high = (None, None, None) if held_back else _median_limits(rows, moments, confidence)
    return Measurement(
        metric="median_absolute_error",
        value=value,
        low=low if rows.rows > 1 else None,
        high=high if rows.rows > 1 else None,
        n=rows.rows,
        method="order-statistics",
        confidence=confidence,
        note=f"held back: a median is the value of single rows, and groups of fewer than {rows.engine.disclosure} stay"
        if held_back
        else "",
    )


def _median_limits(rows: Rows, moments: Moments, confidence: float) -> tuple[float, float, float]:
    size = float(effective(moments.sums["w"], moments.sums["w2"]))
    low, high = wilson(size / 2, size, critical_value(confidence))
    found = quantiles(rows.engine, rows.error.abs(), [0.5, float(low), float(high)], weight=rows.weight)
    return found[0], found[1], found[2]


def _bootstrap(rows: Rows, seed: int) -> dict[str, Floats]:
    """Replicates of each metric from the few rows that there are, counted by what they hold."""
    by: dict[str, Value] = {"label": rows.label, "prediction": rows.prediction}
    if rows.weight is not None:
        by["weight"] = rows.weight
    table = rows.engine.grouped(by).table
    columns = {name: np.asarray(table[name], dtype=np.float64) for name in by}
    columns.setdefault("weight", np.ones(len(table)))
    order = np.lexsort((columns["weight"], columns["prediction"], columns["label"]))
    label, prediction, weight = (columns[name][order] for name in ("label", "prediction", "weight"))
    return replicates(label, prediction, weight, np.asarray(table[ROWS], dtype=np.int64)[order], seed=seed)


def replicates(
    label: Floats, prediction: Floats, weight: Floats, counts: npt.NDArray[np.int64], *, seed: int
) -> dict[str, Floats]:
    """2,000 replicates of each metric: (n,) different rows, which stand so often each, drawn again with the seed.

    Draws in which all labels are equal have no R² and are left out of its replicates.
    """
    drawn = np.random.default_rng(seed).multinomial(counts.sum(), counts / counts.sum(), _REPLICATES) * weight
    error, whole = prediction - label, drawn.sum(axis=1)
    squares = drawn @ error**2
    about = label - label.mean()
    centred = drawn @ about**2 - (drawn @ about) ** 2 / whole
    spread = centred > _TRACE * (drawn @ about**2)
    return {
        "mean_absolute_error": drawn @ np.abs(error) / whole,
        "mean_squared_error": squares / whole,
        "root_mean_squared_error": np.sqrt(squares / whole),
        "r2_score": 1 - squares[spread] / centred[spread] if spread.any() else np.zeros(1),
        "mean_error": drawn @ error / whole,
    }
