"""What another threshold would do: rates along the score, average precision, and the correlation of the chosen one. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from math import atanh, exp, log, sqrt, tanh
from typing import Any

import numpy as np
import numpy.typing as npt

from audits.intervals import Bounds, Floats, wilson
from audits.measures.weighted_shares import effective, share
from audits.score_table import ScoreBins

MOST_THRESHOLDS = 101
_EVEN = 51


@dataclass(frozen=True, eq=False, kw_only=True)
class ThresholdCurve:
    """The 2 × 2 table at T ascending thresholds; a row is selected where its score is at least the threshold.

    Attributes
    ----------
    threshold
        (T,) thresholds.
    tp, fp, tn, fn
        (T,) sums of weights.
    sizes
        Name of a denominator (``all``, ``selected``, ``positive``, ``negative``) to its (T,) effective rows.
    rows
        (T,) rows selected.
    """

    threshold: Floats
    tp: Floats
    fp: Floats
    tn: Floats
    fn: Floats
    sizes: dict[str, Floats]
    rows: Floats

    def rate(self, name: str) -> Floats:
        """(T,) one of ``selection_rate``, ``precision_score``, ``recall_score``, ``false_positive_rate``, ``f1_score``, ``balanced_accuracy_score``."""
        recall, false = share(self.tp, self.tp + self.fn), share(self.fp, self.fp + self.tn)
        return {
            "selection_rate": share(self.tp + self.fp, self.tp + self.fp + self.tn + self.fn),
            "precision_score": share(self.tp, self.tp + self.fp),
            "recall_score": recall,
            "false_positive_rate": false,
            "f1_score": share(2 * self.tp, 2 * self.tp + self.fp + self.fn),
            "balanced_accuracy_score": (recall + 1 - false) / 2,
        }[name]

    def limits(self, name: str, z: float) -> Bounds:
        """(T,) Wilson's limits of one of the first four rates, on effective rows where rows are weighted."""
        of = {"selection_rate": "all", "precision_score": "selected", "recall_score": "positive"}.get(name, "negative")
        size = self.sizes[of]
        return wilson(np.nan_to_num(self.rate(name)) * size, size, z)


def threshold_curve(cells: ScoreBins, most: int = MOST_THRESHOLDS) -> ThresholdCurve:
    """The curve at most ``most`` thresholds: even steps over [0, 1] and quantiles of the score, moved to edges of cells.

    A threshold between two scores selects the same rows as the next score above it, so on exact cells nothing is lost; on
    bins a threshold is the lower edge of a bin.
    """
    mass = cells.weights.sum(axis=1)
    cumulated = np.cumsum(mass) / mass.sum()
    even = np.linspace(0.0, 1.0, _EVEN)
    quantiles = np.searchsorted(cumulated, np.linspace(0.0, 1.0, most - _EVEN, endpoint=False))
    grid = np.unique(np.r_[even, cells.low[np.minimum(quantiles, len(mass) - 1)]])
    first = np.searchsorted(cells.low, grid)
    if not is_exact(cells):
        first = np.unique(first)
        grid = np.append(cells.low, 1.0)[first]
    selected = [_from_the_top(values)[first] for values in (cells.weights, cells.squares, cells.counts)]
    chosen, squares, rows = selected
    whole, whole_squares = cells.weights.sum(axis=0), cells.squares.sum(axis=0)
    unselected = whole - chosen
    flat = np.ones(len(grid))
    return ThresholdCurve(
        threshold=grid,
        tp=chosen[:, 1],
        fp=chosen[:, 0],
        tn=np.maximum(unselected[:, 0], 0.0),
        fn=np.maximum(unselected[:, 1], 0.0),
        sizes={
            "all": flat * effective(whole.sum(), whole_squares.sum()),
            "selected": effective(chosen.sum(axis=1), squares.sum(axis=1)),
            "positive": flat * effective(whole[1], whole_squares[1]),
            "negative": flat * effective(whole[0], whole_squares[0]),
        },
        rows=rows.sum(axis=1),
    )


def is_exact(cells: ScoreBins) -> bool:
    """Whether every distinct score has a cell of its own."""
    return bool((cells.low == cells.high).all())


def _from_the_top(values: npt.NDArray[Any]) -> Floats:
    """(K + 1, 2) sums over the cells from each one to the last; 0 beyond."""
    return np.concatenate([np.cumsum(values[::-1], axis=0)[::-1], np.zeros((1, values.shape[1]))])


@dataclass(frozen=True, slots=True)
class AveragePrecision:
    """Average precision: its value, variance, and how far the value can be from that of the unbinned scores."""

    value: float
    variance: float
    least: float
    most: float


def average_precision(cells: ScoreBins) -> AveragePrecision:
    """``Σ (R_k − R_{k−1}) P_k`` over the thresholds from the top, as scikit-learn defines it.

    Returns
    -------
    AveragePrecision
        ``least`` and ``most`` equal ``value`` on exact cells. In a bin, every order of its rows gives a sum between that of
        the negatives first and that of the positives first.

    Notes
    -----
    The variance is the infinitesimal jackknife ``Σ w² (∂AP/∂w)²`` (Efron and Tibshirani 1993, section 22.6), the limit of the
    bootstrap over rows. With ``P = TP/(TP + FP)`` at a row's score and ``W`` the weight of the positives, the derivative is
    ``[P − AP]/W + Σ w FP/(TP + FP)²/W`` for a positive and ``−Σ w TP/(TP + FP)²/W`` for a negative, summed over the
    positives that score no higher.
    """
    positive = cells.weights[:, 1]
    true, all_selected = _from_the_top(cells.weights)[:-1, 1], _from_the_top(cells.weights)[:-1].sum(axis=1)
    false = all_selected - true
    whole = positive.sum()
    precision = true / all_selected
    value = float((positive * precision).sum() / whole)
    of_positive = (precision - value + np.cumsum(positive * false / all_selected**2)) / whole
    of_negative = -np.cumsum(positive * true / all_selected**2) / whole
    variance = float((cells.squares[:, 1] * of_positive**2 + cells.squares[:, 0] * of_negative**2).sum())
    if is_exact(cells):
        return AveragePrecision(value, variance, value, value)
    missed = false - cells.weights[:, 0]
    most = positive * (true / np.maximum(true + missed, np.finfo(np.float64).tiny))
    first = true - positive + false
    least = np.where(false > 0, positive - false * np.log1p(positive / np.maximum(first, 1e-300)), positive)
    return AveragePrecision(value, variance, max(float(least.sum() / whole), 0.0), float(most.sum() / whole))


def average_precision_interval(found: AveragePrecision, size: float, z: float) -> tuple[float, float]:
    """Interval on the logit scale, widened by what binning may have moved.

    Notes
    -----
    Boyd, Eng and Page (2013), "Area under the precision-recall curve: point estimates and confidence intervals", ECML PKDD,
    section 4: the logit interval covers where the plain one does not. Where every positive stands above every negative the
    variance is 0; the least of ``value (1 − value)/size`` at half a row short of certainty then stands in for it.
    """
    value = min(max(found.value, 0.5 / (size + 1)), 1 - 0.5 / (size + 1))
    variance = max(found.variance, value * (1 - value) / (size + 1) if found.value in (0.0, 1.0) else 0.0)
    centre, half = log(value / (1 - value)), z * sqrt(variance) / (value * (1 - value))
    low, high = 1 / (1 + exp(half - centre)), 1 / (1 + exp(-centre - half))
    low -= found.value - found.least
    high += found.most - found.value
    return max(min(low, found.value), 0.0), min(max(high, found.value), 1.0)


def matthews(mass: Floats, squares: Floats, z: float) -> tuple[float, float, float] | None:
    """Matthews' correlation of label and prediction with its interval: ``(value, low, high)``.

    Parameters
    ----------
    mass, squares
        (C, C) sums of weights and of squared weights, by label and prediction.

    Returns
    -------
    tuple or None
        None where labels or predictions are all of one class.

    Notes
    -----
    Gorodkin (2004), Computational Biology and Chemistry 28, 367–374; for two classes it is the phi coefficient. The interval
    is the delta method on Fisher's z scale, of the table with half a row added to each cell so that no table has zero width
    (Agresti 2013, "Categorical Data Analysis", section 3.1); it is stretched to hold the value.
    """
    value, _ = _correlation(mass)
    if value is None:
        return None
    row = float(squares.sum() / mass.sum())
    smooth, smooth_squares = mass + row / 2, squares + row**2 / 2
    centre, slope = _correlation(smooth)
    assert centre is not None
    error = sqrt(float((smooth_squares * slope**2).sum())) / (1 - centre**2)
    low, high = tanh(atanh(centre) - z * error), tanh(atanh(centre) + z * error)
    return value, min(low, value), max(high, value)


def _correlation(mass: Floats) -> tuple[float | None, Floats]:
    """Matthews' correlation and its (C, C) derivative by each cell."""
    rows, columns, whole = mass.sum(axis=1), mass.sum(axis=0), mass.sum()
    a, b = whole**2 - (rows**2).sum(), whole**2 - (columns**2).sum()
    if a <= 0 or b <= 0 or np.count_nonzero(rows) < 2 or np.count_nonzero(columns) < 2:  # noqa: PLR2004 - both classes
        return None, np.zeros_like(mass)
    trace = float(np.trace(mass))
    top, bottom = trace * whole - float(rows @ columns), sqrt(a * b)
    value = top / bottom
    of_top = np.eye(len(mass)) * whole + trace - columns[:, None] - rows[None, :]
    of_a, of_b = 2 * (whole - rows)[:, None], 2 * (whole - columns)[None, :]
    slope: Floats = of_top / bottom - value / 2 * (of_a / a + of_b / b)
    return value, slope
