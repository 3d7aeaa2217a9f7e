"""Distances between two distributions, from their counts alone. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audits.intervals import Floats

Counts = npt.NDArray[np.int64]

_HALF_A_ROW = 0.5


@dataclass(frozen=True, slots=True)
class Estimate:
    """A distance that grows with sampling noise too, and what its interval is made of.

    Attributes
    ----------
    value
        The distance of the two samples.
    bias
        What it would be on average if the two populations were the same.
    variance
        Of ``value``, by the delta method, without the part that noise alone adds.
    noise
        The part of the variance that is there even if the populations are the same.
    """

    value: float
    bias: float
    variance: float
    noise: float


def occupied(first: Counts, second: Counts) -> tuple[Counts, Counts]:
    """Without the bins that are empty on both sides."""
    some = (first + second) > 0
    return first[some], second[some]


def shares(counts: Counts) -> Floats:
    """Shares of the rows; an empty bin counts as half a row, so that logarithms are finite.

    Nothing is added to bins with rows: where no bin is empty these are the plain shares.
    """
    return np.asarray(np.where(counts > 0, counts, _HALF_A_ROW) / counts.sum(), dtype=np.float64)


def psi_terms(first: Counts, second: Counts) -> Floats:
    """What each bin adds to the population stability index; 0 where both are empty."""
    p, q = shares(first), shares(second)
    return np.asarray(np.where((first + second) > 0, (q - p) * np.log(q / p), 0.0), dtype=np.float64)


def population_stability_index(first: Counts, second: Counts) -> Estimate:
    """Population stability index of two histograms over the same bins.

    Parameters
    ----------
    first, second
        (k,) counts; each has at least one row.

    Notes
    -----
    ``Σ (qᵢ − pᵢ) ln(qᵢ / pᵢ)``, the symmetrised Kullback–Leibler divergence (Jeffreys); an empty bin counts as half a row.
    If both samples come from one population it is ``(1/n + 1/m)`` times a chi-square variable with ``k − 1`` degrees of
    freedom: Yurdakul, B. and Naranjo, J. (2020), "Statistical properties of the population stability index", Journal of
    Risk Model Validation 14(4), 89–100. That is its bias and its noise here.
    """
    first, second = occupied(first, second)
    p, q, n, m = *_shares_of(first, second), int(first.sum()), int(second.sum())
    ratio = np.log(q / p)
    variance = _variance(p, -ratio + 1 - q / p, n) + _variance(q, ratio + 1 - p / q, m)
    scale, freedom = 1 / n + 1 / m, len(first) - 1
    return Estimate(float(((q - p) * ratio).sum()), freedom * scale, variance, 2 * freedom * scale**2)


def jensen_shannon_divergence(first: Counts, second: Counts) -> Estimate:
    """Jensen–Shannon divergence of two histograms over the same bins, in bits: in [0, 1].

    Notes
    -----
    ``½ KL(p ‖ m) + ½ KL(q ‖ m)`` with ``m = (p + q)/2`` and logarithms of base 2: Lin, J. (1991), IEEE Transactions on
    Information Theory 37, 145–151. Its square root is a metric (Endres and Schindelin 2003, same journal 49, 1858–1860).
    Near equality ``8 ln 2 / (1/n + 1/m)`` times it is chi-square with ``k − 1`` degrees of freedom.
    """
    first, second = occupied(first, second)
    n, m = int(first.sum()), int(second.sum())
    p, q = first / n, second / m
    middle = (p + q) / 2
    value = float(_entropy_terms(p, middle).sum() + _entropy_terms(q, middle).sum()) / 2
    smooth_p, smooth_q = _shares_of(first, second)
    smooth = (smooth_p + smooth_q) / 2
    variance = _variance(p, np.log2(smooth_p / smooth) / 2, n) + _variance(q, np.log2(smooth_q / smooth) / 2, m)
    scale, freedom = (1 / n + 1 / m) / (8 * np.log(2)), len(first) - 1
    return Estimate(min(max(value, 0.0), 1.0), freedom * scale, variance, 2 * freedom * scale**2)


def cramers_v_squared(first: Counts, second: Counts) -> Estimate:
    """Square of Cramér's V of category against data set: the chi-square statistic over the number of rows.

    Notes
    -----
    Of a table with two rows, so that ``V² = χ²/n``. Under equality ``χ²`` has mean ``k − 1``; subtracting it is the bias
    correction of Bergsma, W. (2013), Journal of the Korean Statistical Society 42, 323–328, whose further shrinking of the
    number of rows and columns is left to :func:`bias_corrected_v`.
    """
    first, second = occupied(first, second)
    total, freedom = int(first.sum() + second.sum()), len(first) - 1
    value = chi_square(first, second) / total
    spread = 4 * value / total
    return Estimate(value, freedom / total, spread, 2 * freedom / total**2)


def bias_corrected_v(squared: Estimate, categories: int, rows: int) -> float:
    """Cramér's V with Bergsma's bias correction, in [0, 1].

    Parameters
    ----------
    squared
        As :func:`cramers_v_squared` gives it.
    categories
        Categories that are there on either side.
    rows
        Of both sides together.
    """
    if rows < 2 or categories < 2:  # noqa: PLR2004 - nothing can depend on anything
        return 0.0
    phi = max(squared.value - (categories - 1) / (rows - 1), 0.0)
    smallest = min(categories - (categories - 1) ** 2 / (rows - 1), 2 - 1 / (rows - 1)) - 1
    return min(float(np.sqrt(phi / smallest)), 1.0) if smallest > 0 else 0.0


def chi_square(first: Counts, second: Counts) -> float:
    """Pearson's chi-square statistic of the table with these two rows; no column of it is empty on both sides."""
    total = first + second
    share = first.sum() / total.sum()
    expected = total * share
    return float(((first - expected) ** 2 / expected + (second - (total - expected)) ** 2 / (total - expected)).sum())


def _shares_of(first: Counts, second: Counts) -> tuple[Floats, Floats]:
    return shares(first), shares(second)


def _entropy_terms(p: Floats, middle: Floats) -> Floats:
    return np.where(p > 0, p * np.log2(np.where(p > 0, p, 1.0) / middle), 0.0)


def _variance(p: Floats, gradient: Floats, rows: int) -> float:
    """Of a sum of ``gradient`` over a multinomial sample: ``(Σ p g² − (Σ p g)²) / n``."""
    mean = float((p * gradient).sum() / p.sum())
    return float((p * (gradient - mean) ** 2).sum()) / rows
