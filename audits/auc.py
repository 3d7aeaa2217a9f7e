"""Area under the ROC curve with DeLong's interval, alone and paired. Pure, exact at any size (one sort)."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log, sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from audits.intervals import Floats
from audits.score_table import ScoreBins

_BISECTIONS = 80


@dataclass(frozen=True, slots=True)
class Auc:
    """An area under the ROC curve: its value, DeLong's variance, and the effective class sizes.

    ``error`` is how far the value can be from the exact one because scores were counted in bins; 0 where exact.
    """

    value: float
    variance: float
    positives: float
    negatives: float
    error: float = 0.0


@dataclass(frozen=True, slots=True)
class _Placements:
    """Per row: the weighted share of the other class that the row is ranked rightly against."""

    value: float
    rows: Floats
    weight: Floats
    positive: npt.NDArray[np.bool_]


def _placements(label: npt.NDArray[Any], score: Floats, weight: Floats | None) -> _Placements:
    positive = np.asarray(label, dtype=np.bool_)
    weights = np.ones(len(positive)) if weight is None else np.asarray(weight, dtype=np.float64)
    levels, position = np.unique(score, return_inverse=True)
    of_positive = np.bincount(position, weights=weights * positive, minlength=len(levels))
    of_negative = np.bincount(position, weights=weights * ~positive, minlength=len(levels))
    negatives, positives = np.cumsum(of_negative), np.cumsum(of_positive)
    # Divided by the last running sum, not by a sum of another order: perfect separation must give 1 and not nearly 1.
    below = (negatives - of_negative / 2) / negatives[-1]
    above = 1.0 - (positives - of_positive / 2) / positives[-1]
    value = float((of_positive * below).sum() / of_positive.sum())
    return _Placements(value, np.where(positive, below[position], above[position]), weights, positive)


def _variance(deviations: Floats, weight: Floats, positive: npt.NDArray[np.bool_]) -> float:
    """``S10/m + S01/n`` of DeLong, with ``w²`` where rows are weighted."""
    total = 0.0
    for side in (positive, ~positive):
        n = int(side.sum())
        squares = float((weight[side] ** 2 * deviations[side] ** 2).sum())
        total += squares / float(weight[side].sum()) ** 2 * n / max(n - 1, 1)
    return total


def roc_auc(label: npt.NDArray[Any], score: Floats, weight: Floats | None = None) -> Auc:
    """Area under the ROC curve and its variance.

    Parameters
    ----------
    label
        (n,) zeros and ones, both present.
    score
        (n,) any order-preserving score of class 1; ties count one half.
    weight
        (n,) positive sample weights, or none.

    Notes
    -----
    DeLong, DeLong and Clarke-Pearson (1988), Biometrics 44, 837–845; midranks as Sun and Xu (2014), IEEE Signal
    Processing Letters 21, 1389–1393.
    """
    placed = _placements(label, score, weight)
    kish = [
        float(w.sum() ** 2 / (w**2).sum()) for w in (placed.weight[placed.positive], placed.weight[~placed.positive])
    ]
    variance = _variance(placed.rows - placed.value, placed.weight, placed.positive)
    return Auc(placed.value, variance, kish[0], kish[1])


def area_of(bins: ScoreBins) -> Auc:
    """Area under the ROC curve of rows counted by score, with its variance; both classes must be there.

    Notes
    -----
    As :func:`roc_auc`, from rank sums over the distinct scores. Where scores are binned, the pairs of a positive and a
    negative row in one bin count one half each; they are right by anything from none to all, so the area is off by at most
    half their share of all pairs, ``Σ p_b n_b / (2 P N)``.
    """
    negative, positive = bins.weights.T
    negatives, positives = np.cumsum(negative), np.cumsum(positive)
    below = (negatives - negative / 2) / negatives[-1]
    above = 1.0 - (positives - positive / 2) / positives[-1]
    value = float((positive * below).sum() / positive.sum())
    variance, sizes = 0.0, []
    for label, rank in enumerate((above, below)):
        weight, squares, n = (float(part[:, label].sum()) for part in (bins.weights, bins.squares, bins.counts))
        deviations = float((bins.squares[:, label] * (rank - value) ** 2).sum())
        variance += deviations / weight**2 * n / max(n - 1, 1)
        sizes.append(weight**2 / squares)
    unsure = np.where(bins.high > bins.low, positive * negative, 0.0)
    error = float(unsure.sum() / (2 * positives[-1] * negatives[-1]))
    return Auc(value, variance, sizes[1], sizes[0], error)


def auc_interval(auc: Auc, z: float) -> tuple[float, float, str]:
    """Interval for an area under the ROC curve: ``(low, high, method)``, wider by the error of bins on either side.

    Notes
    -----
    On the logit scale, which keeps the limits in (0, 1) and covers better near 1: Qin and Hotilovac (2008), Statistical
    Methods in Medical Research 17, 207–221. Where DeLong's variance degenerates (perfect separation, or a class of one),
    the score-type interval of Newcombe (2006), Statistics in Medicine 25, 559–573, method 5, which never has zero width.
    """
    low, high, method = _exact_interval(auc, z)
    if not auc.error:
        return low, high, method
    return max(low - auc.error, 0.0), min(high + auc.error, 1.0), method + "-binned"


def _exact_interval(auc: Auc, z: float) -> tuple[float, float, str]:
    if auc.variance > 0 and 0 < auc.value < 1 and min(auc.positives, auc.negatives) > 1:
        centre = log(auc.value / (1 - auc.value))
        half = z * sqrt(auc.variance) / (auc.value * (1 - auc.value))
        return _logistic(centre - half), _logistic(centre + half), "delong-logit"
    low = 1.0 - _newcombe_high(1.0 - auc.value, auc.negatives, auc.positives, z)
    high = _newcombe_high(auc.value, auc.positives, auc.negatives, z)
    return low, high, "newcombe-hanley-mcneil"


def _logistic(x: float) -> float:
    return 1 / (1 + exp(-x)) if x >= 0 else exp(x) / (1 + exp(x))


def hanley_mcneil_variance(value: float, positives: float, negatives: float) -> float:
    """Newcombe's (2006) symmetrised variance of an AUC of ``value``: method 5 of that paper."""
    half = (positives + negatives) / 2 - 1
    spread = 1 + half * (1 - value) / (2 - value) + half * value / (1 + value)
    return value * (1 - value) * spread / (positives * negatives)


def _newcombe_high(value: float, positives: float, negatives: float, z: float) -> float:
    inside, outside = value, 1.0
    for _ in range(_BISECTIONS):
        middle = (inside + outside) / 2
        if (middle - value) ** 2 > z * z * hanley_mcneil_variance(middle, positives, negatives):
            outside = middle
        else:
            inside = middle
    return outside


def paired_auc_difference(
    label: npt.NDArray[Any], first: Floats, second: Floats, z: float
) -> tuple[float, float, float, str]:
    """Difference of two areas on the same rows: ``(value, low, high, method)``, clipped to [−1, 1].

    Notes
    -----
    DeLong et al. (1988): the variance of the difference of the two models' placements. Where both areas have no variance
    of their own (both separate perfectly), or a class has one row only, variance recovery from their single intervals, which is conservative.
    """
    one, two = _placements(label, first, None), _placements(label, second, None)
    value = one.value - two.value
    lonely = min(int(one.positive.sum()), int((~one.positive).sum())) < 2  # noqa: PLR2004 - one row has no variance
    if (lonely or (_degenerate(one) and _degenerate(two))) and not np.array_equal(first, second):
        return value, *_recovered(roc_auc(label, first), roc_auc(label, second), z), "mover-newcombe"
    deviations = (one.rows - one.value) - (two.rows - two.value)
    half = z * sqrt(_variance(deviations, one.weight, one.positive))
    return value, max(value - half, -1.0), min(value + half, 1.0), "paired-delong"


def _degenerate(placed: _Placements) -> bool:
    return _variance(placed.rows - placed.value, placed.weight, placed.positive) == 0


def unpaired_auc_difference(first: Auc, second: Auc, z: float) -> tuple[float, float, float, str]:
    """Difference of two areas on different rows: ``(value, low, high, method)``, by MOVER from their own intervals."""
    return first.value - second.value, *_recovered(first, second, z), "mover-delong"


def _recovered(first: Auc, second: Auc, z: float) -> tuple[float, float]:
    (low1, high1, _), (low2, high2, _) = auc_interval(first, z), auc_interval(second, z)
    value = first.value - second.value
    low = value - sqrt((first.value - low1) ** 2 + (high2 - second.value) ** 2)
    high = value + sqrt((high1 - first.value) ** 2 + (second.value - low2) ** 2)
    return max(low, -1.0), min(high, 1.0)
