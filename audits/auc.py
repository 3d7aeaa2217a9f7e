"""Area under the ROC curve with DeLong's interval, alone and paired. Pure, exact at any size (one sort)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, inf, log, sqrt
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from audits.intervals import Floats
from audits.score_table import ScoreBins

_BISECTIONS = 80
_FEW = 50
"""Rows of a class below which the variance of an area is taken with more care."""


@dataclass(frozen=True, slots=True)
class Auc:
    """An area under the ROC curve.

    Attributes
    ----------
    value, variance
        The area, and DeLong's variance of it.
    positives, negatives
        Effective class sizes.
    freedom
        Degrees of freedom of the variance, by Satterthwaite's formula.
    error
        How far the value can be from the exact one because scores were counted in bins; 0 where exact.
    """

    value: float
    variance: float
    positives: float
    negatives: float
    freedom: float = inf
    error: float = 0.0


@dataclass(frozen=True, slots=True)
class Placements:
    """Per row: the weighted share of the other class that the row is ranked rightly against."""

    value: float
    rows: Floats
    weight: Floats
    positive: npt.NDArray[np.bool_]


def placements(label: npt.NDArray[Any], score: Floats, weight: Floats | None) -> Placements:
    """Each row's placement among the other class, by midranks; both classes must be there."""
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
    return Placements(value, np.where(positive, below[position], above[position]), weights, positive)


def _variance(deviations: Floats, weight: Floats, positive: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """``S10/m + S01/n`` of DeLong, with ``w²`` where rows are weighted, and its degrees of freedom."""
    parts = []
    for side in (positive, ~positive):
        squares = float((weight[side] ** 2 * deviations[side] ** 2).sum())
        parts.append((squares / float(weight[side].sum()) ** 2, int(side.sum())))
    return _of_two_samples(parts)


def _of_two_samples(parts: Sequence[tuple[float, int]]) -> tuple[float, float]:
    """The variance of a sum of two means, and its degrees of freedom.

    Notes
    -----
    Satterthwaite, F. E. (1946), Biometrics Bulletin 2, 110–114.
    """
    variances = [squares * n / max(n - 1, 1) for squares, n in parts]
    spread = sum(variance**2 / max(n - 1, 1) for variance, (_, n) in zip(variances, parts, strict=True))
    return sum(variances), sum(variances) ** 2 / spread if spread > 0 else inf


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
    placed = placements(label, score, weight)
    kish = [
        float(w.sum() ** 2 / (w**2).sum()) for w in (placed.weight[placed.positive], placed.weight[~placed.positive])
    ]
    variance, freedom = _variance(placed.rows - placed.value, placed.weight, placed.positive)
    return Auc(placed.value, variance, kish[0], kish[1], freedom)


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
    parts, sizes = [], []
    for label, rank in enumerate((above, below)):
        weight, squares = float(bins.weights[:, label].sum()), float(bins.squares[:, label].sum())
        deviations = float((bins.squares[:, label] * (rank - value) ** 2).sum())
        parts.append((deviations / weight**2, int(bins.counts[:, label].sum())))
        sizes.append(weight**2 / squares)
    variance, freedom = _of_two_samples(parts)
    unsure = np.where(bins.high > bins.low, positive * negative, 0.0)
    error = float(unsure.sum() / (2 * positives[-1] * negatives[-1]))
    return Auc(value, variance, sizes[1], sizes[0], freedom, error)


def auc_interval(auc: Auc, z: float) -> tuple[float, float, str]:
    """Interval for an area under the ROC curve: ``(low, high, method)``, wider by the error of bins on either side.

    Notes
    -----
    On the logit scale, which keeps the limits in (0, 1) and covers better near 1: Qin and Hotilovac (2008), Statistical
    Methods in Medical Research 17, 207–221. Where DeLong's variance degenerates (perfect separation, or a class of one),
    the score-type interval of Newcombe (2006), Statistics in Medicine 25, 559–573, method 5, which never has zero width.
    Where a class has fewer than 50 rows DeLong's variance is too uncertain to stand alone (it covers as little as 80 % near
    1), and Newcombe's supposes one shape of distribution: the interval is the hull of both, DeLong's with Student's t.
    """
    low, high, method = _exact_interval(auc, z)
    if not auc.error:
        return low, high, method
    return max(low - auc.error, 0.0), min(high + auc.error, 1.0), method + "-binned"


def _exact_interval(auc: Auc, z: float) -> tuple[float, float, str]:
    smaller = min(auc.positives, auc.negatives)
    delong = auc.variance > 0 and 0 < auc.value < 1 and smaller > 1
    if delong and smaller >= _FEW:
        return *_delong(auc, z), "delong-logit"
    low = 1.0 - _newcombe_high(1.0 - auc.value, auc.negatives, auc.positives, z)
    high = _newcombe_high(auc.value, auc.positives, auc.negatives, z)
    if not delong:
        return low, high, "newcombe-hanley-mcneil"
    by_t = _delong(auc, _student(z, auc.freedom))
    return min(low, by_t[0]), max(high, by_t[1]), "delong-t-newcombe"


def _delong(auc: Auc, z: float) -> tuple[float, float]:
    centre = log(auc.value / (1 - auc.value))
    half = z * sqrt(auc.variance) / (auc.value * (1 - auc.value))
    return _logistic(centre - half), _logistic(centre + half)


def _student(z: float, freedom: float) -> float:
    """The quantile of Student's t at the level of the normal quantile ``z``."""
    from scipy.special import stdtrit

    return float(stdtrit(max(freedom, 1.0), NormalDist().cdf(z))) if freedom < inf else z


def _logistic(x: float) -> float:
    return 1 / (1 + exp(-x)) if x >= 0 else exp(max(x, -700.0)) / (1 + exp(max(x, -700.0)))


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
    one, two = placements(label, first, None), placements(label, second, None)
    value = one.value - two.value
    lonely = min(int(one.positive.sum()), int((~one.positive).sum())) < 2  # noqa: PLR2004 - one row has no variance
    if (lonely or (_degenerate(one) and _degenerate(two))) and not np.array_equal(first, second):
        return value, *_recovered(roc_auc(label, first), roc_auc(label, second), z), "mover-newcombe"
    deviations = (one.rows - one.value) - (two.rows - two.value)
    half = z * sqrt(_variance(deviations, one.weight, one.positive)[0])
    return value, max(value - half, -1.0), min(value + half, 1.0), "paired-delong"


def _degenerate(placed: Placements) -> bool:
    return _variance(placed.rows - placed.value, placed.weight, placed.positive)[0] == 0


def unpaired_auc_difference(first: Auc, second: Auc, z: float) -> tuple[float, float, float, str]:
    """Difference of two areas on different rows: ``(value, low, high, method)``, by MOVER from their own intervals."""
    return first.value - second.value, *_recovered(first, second, z), "mover-delong"


def _recovered(first: Auc, second: Auc, z: float) -> tuple[float, float]:
    (low1, high1, _), (low2, high2, _) = auc_interval(first, z), auc_interval(second, z)
    value = first.value - second.value
    low = value - sqrt((first.value - low1) ** 2 + (high2 - second.value) ** 2)
    high = value + sqrt((high1 - first.value) ** 2 + (second.value - low2) ** 2)
    return max(low, -1.0), min(high, 1.0)
