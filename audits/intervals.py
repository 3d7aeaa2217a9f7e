"""Confidence intervals for rates and means, each named after its source. Pure, vectorised over numpy arrays."""

from __future__ import annotations

from collections.abc import Callable
from statistics import NormalDist
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Bounds: TypeAlias = tuple[Floats, Floats]

_MOST_STEPS = 100
_ENOUGH = 1e-13
_LARGEST_LOG_RATIO = 60.0


def critical_value(confidence: float, comparisons: int = 1) -> float:
    """Two-sided standard normal quantile, Šidák-adjusted for a family of comparisons.

    Parameters
    ----------
    confidence
        Coverage of the whole family, in (0, 1).
    comparisons
        Size of the family; each member then has level ``confidence ** (1 / comparisons)``.

    Notes
    -----
    Šidák, Z. (1967), "Rectangular confidence regions for the means of multivariate normal distributions",
    JASA 62: for jointly normal statistics of any correlation the family covers at least ``confidence``.
    """
    level = confidence ** (1.0 / max(comparisons, 1))
    return NormalDist().inv_cdf((1.0 + level) / 2.0)


def _floats(*values: npt.ArrayLike) -> tuple[Floats, ...]:
    return tuple(np.broadcast_arrays(*(np.asarray(value, dtype=np.float64) for value in values)))


def wilson(successes: npt.ArrayLike, trials: npt.ArrayLike, z: float) -> Bounds:
    """Wilson's score interval for a binomial rate.

    Parameters
    ----------
    successes, trials
        Counts, any broadcastable shapes; need not be integers (effective counts of weighted samples).
    z
        Critical value, see :func:`critical_value`.

    Returns
    -------
    low, high
        ``(x + z²/2 ± z √(x (n − x)/n + z²/4)) / (n + z²)``; NaN where ``trials`` is 0.

    Notes
    -----
    Wilson, E. B. (1927), JASA 22; method 3 of Newcombe (1998), Statistics in Medicine 17, 857–872.
    """
    x, n = _floats(successes, trials)
    with np.errstate(divide="ignore", invalid="ignore"):
        centre = (x + z * z / 2) / (n + z * z)
        half = z / (n + z * z) * np.sqrt(np.maximum(x * (n - x), 0.0) / n + z * z / 4)
    low = np.where(x <= 0, 0.0, centre - half)
    high = np.where(x >= n, 1.0, centre + half)
    return np.where(n > 0, np.clip(low, 0.0, 1.0), np.nan), np.where(n > 0, np.clip(high, 0.0, 1.0), np.nan)


def newcombe_difference(x1: npt.ArrayLike, n1: npt.ArrayLike, x2: npt.ArrayLike, n2: npt.ArrayLike, z: float) -> Bounds:
    """Newcombe's hybrid score interval for ``x1/n1 − x2/n2`` of independent samples.

    Returns
    -------
    low, high
        ``d − √((p1 − l1)² + (u2 − p2)²)`` and ``d + √((u1 − p1)² + (p2 − l2)²)``, where ``(l, u)`` are
        Wilson's limits; NaN where a sample is empty.

    Notes
    -----
    Newcombe, R. G. (1998), "Interval estimation for the difference between independent proportions",
    Statistics in Medicine 17, 873–890, method 10.
    """
    x1, n1, x2, n2 = _floats(x1, n1, x2, n2)
    (low1, high1), (low2, high2) = wilson(x1, n1, z), wilson(x2, n2, z)
    with np.errstate(divide="ignore", invalid="ignore"):
        p1, p2 = x1 / n1, x2 / n2
    low = p1 - p2 - np.hypot(p1 - low1, high2 - p2)
    high = p1 - p2 + np.hypot(high1 - p1, p2 - low2)
    return np.clip(low, -1.0, 1.0), np.clip(high, -1.0, 1.0)


def koopman_ratio(x1: npt.ArrayLike, n1: npt.ArrayLike, x2: npt.ArrayLike, n2: npt.ArrayLike, z: float) -> Bounds:
    """Koopman's score interval for the ratio ``(x1/n1) / (x2/n2)`` of independent samples.

    Returns
    -------
    low, high
        The ratios φ at which the score statistic equals ``z²``. Defined at zero counts: ``low`` is 0 where ``x1`` is 0,
        ``high`` is infinite where ``x2`` is 0, ``(0, inf)`` where both are; NaN where a sample is empty.

    Notes
    -----
    Koopman, P. A. R. (1984), Biometrics 40, 513–517. The statistic is Miettinen and Nurminen's (1985, Statistics in
    Medicine 4, 213–226) without their factor N/(N − 1):
    ``(p1 − φ p2)² / (q1(1 − q1)/n1 + φ² q2(1 − q2)/n2)`` with ``q`` the maximum-likelihood rates under ``q1 = φ q2``.
    """
    x1, n1, x2, n2 = _floats(x1, n1, x2, n2)
    # Both ways round at once: the upper limit is the lower one of the reversed ratio, turned over.
    low, reversed_low = _koopman_low(np.stack((x1, x2)), np.stack((n1, n2)), np.stack((x2, x1)), np.stack((n2, n1)), z)
    with np.errstate(divide="ignore"):
        return low, 1.0 / reversed_low


def _koopman_low(x1: Floats, n1: Floats, x2: Floats, n2: Floats, z: float) -> Floats:
    """Lower score limit: the root on log φ, below the estimate, where the statistic falls monotonically towards it."""

    def beyond(log_ratio: Floats) -> Floats:
        """Above 0 where the statistic exceeds ``z²``; bounded, so that interpolation is not led astray."""
        statistic = _koopman_statistic(np.exp(log_ratio), x1, n1, x2, n2)
        return 1.0 - 2.0 * z * z / (statistic + z * z)

    with np.errstate(divide="ignore", invalid="ignore"):
        estimate = np.log(x1 / n1) - np.log(x2 / n2)
    above = np.where(np.isfinite(estimate), estimate, _LARGEST_LOG_RATIO)
    root = _falling_root(beyond, np.full(x1.shape, -_LARGEST_LOG_RATIO), above)
    low = np.where(x1 > 0, np.exp(root), 0.0)
    return np.where((n1 > 0) & (n2 > 0), low, np.nan)


def _falling_root(function: Callable[[Floats], Floats], low: Floats, high: Floats) -> Floats:
    """Element by element, where a function that is above 0 at ``low`` and not at ``high`` crosses 0.

    Notes
    -----
    Chandrupatla, T. R. (1997), Advances in Engineering Software 28, 145–149: inverse quadratic interpolation where it is safe,
    bisection where not.
    """
    b, a = low, high
    fb, fa = function(b), function(a)
    at = np.full(a.shape, 0.5)
    for _ in range(_MOST_STEPS):
        x = a + at * (b - a)
        fx = function(x)
        same = (fx > 0) == (fa > 0)
        c, fc = np.where(same, a, b), np.where(same, fa, fb)
        b, fb = np.where(same, b, a), np.where(same, fb, fa)
        a, fa = x, fx
        width = np.abs(b - a)
        if not (width > _ENOUGH).any():
            break
        with np.errstate(divide="ignore", invalid="ignore"):
            xi, phi = (a - b) / (c - b), (fa - fb) / (fc - fb)
            safe = (phi * phi < xi) & ((1 - phi) ** 2 < 1 - xi)
            step = fa / (fb - fa) * fc / (fb - fc) + (c - a) / (b - a) * fa / (fc - fa) * fb / (fc - fb)
            least = np.minimum(_ENOUGH / 2 / width, 0.5)
        at = np.clip(np.where(safe & np.isfinite(step), step, 0.5), least, 1 - least)
    return np.where(np.abs(fa) < np.abs(fb), a, b)


def _koopman_statistic(ratio: Floats, x1: Floats, n1: Floats, x2: Floats, n2: Floats) -> Floats:
    a = (n1 + n2) * ratio
    b = n1 * ratio + x1 + n2 + x2 * ratio
    c = x1 + x2
    with np.errstate(divide="ignore", invalid="ignore"):
        q2 = np.minimum(2 * c / (b + np.sqrt(np.maximum(b * b - 4 * a * c, 0.0))), 1.0)
        q1 = np.minimum(ratio * q2, 1.0)
        variance = q1 * (1 - q1) / n1 + ratio * ratio * q2 * (1 - q2) / n2
        distance = x1 / n1 - ratio * x2 / n2
        statistic: Floats = np.where(distance == 0, 0.0, distance * distance / variance)
    return statistic


def f1_interval(tp: npt.ArrayLike, errors: npt.ArrayLike, z: float) -> Bounds:
    """Interval for F1 from the counts of true positives and of errors (``fp + fn``).

    Notes
    -----
    ``F1 = 2p/(1 + p)`` with ``p = tp/(tp + fp + fn)`` (the Jaccard index), a binomial rate given its denominator; the map
    is monotone, so Wilson's limits of ``p`` carry over. Takahashi et al. (2022), Applied Intelligence 52, 4961–4972,
    discuss the alternatives.
    """
    tp, errors = _floats(tp, errors)
    low, high = wilson(tp, tp + errors, z)
    return 2 * low / (1 + low), 2 * high / (1 + high)


def mover_mean(rates: Floats, lows: Floats, highs: Floats) -> tuple[float, float]:
    """Interval for the mean of independent rates from their own limits, by variance recovery.

    Notes
    -----
    Zou, G. Y. and Donner, A. (2008), Statistics in Medicine 27, 1693–1702 (MOVER):
    ``m ∓ √Σ(p − limit)² / k``, clipped to [0, 1].
    """
    k = len(rates)
    low = rates.mean() - np.sqrt(((rates - lows) ** 2).sum()) / k
    high = rates.mean() + np.sqrt(((highs - rates) ** 2).sum()) / k
    return float(max(low, 0.0)), float(min(high, 1.0))


def mean_delta(losses: Floats, weight: Floats | None, z: float) -> tuple[float, float]:
    """Large-sample interval for a (weighted) mean: ``m ± z s``.

    Notes
    -----
    ``s² = n/(n − 1) Σ w²(l − m)² / (Σw)²``, the delta-method variance of a ratio of sums; without weights the usual
    ``s²/n``. Särndal, Swensson and Wretman (1992), "Model Assisted Survey Sampling", section 5.7.
    """
    n = len(losses)
    weights = np.ones(n) if weight is None else weight
    mean = float(np.average(losses, weights=weights))
    square = float((weights**2 * (losses - mean) ** 2).sum() / weights.sum() ** 2 * n / max(n - 1, 1))
    half = z * square**0.5
    return mean - half, mean + half


def mean_bootstrap(
    losses: Floats, weight: Floats | None, confidence: float, *, seed: int, replicates: int = 2000
) -> tuple[float, float]:
    """Percentile bootstrap interval for a (weighted) mean of few rows; the same ``seed`` gives the same limits.

    Notes
    -----
    Efron, B. and Tibshirani, R. (1993), "An Introduction to the Bootstrap", chapter 13.
    """
    weights = np.ones(len(losses)) if weight is None else weight
    draws: npt.NDArray[Any] = np.random.default_rng(seed).integers(0, len(losses), (replicates, len(losses)))
    means = (losses[draws] * weights[draws]).sum(axis=1) / weights[draws].sum(axis=1)
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)
