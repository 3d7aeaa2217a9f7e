"""Intervals for distances between distributions, valid where the distance is nothing too. Pure."""

from __future__ import annotations

import numpy as np

from audits.intervals import Floats
from audits.measures.drift.distances import Counts, Estimate

_REPLICATES = 400


def debiased_limits(estimate: Estimate, z: float, *, highest: float = np.inf) -> tuple[float, float]:
    """Interval for a divergence that is a sum of squares near equality: ``value − bias ± z √(variance + noise)``.

    Notes
    -----
    Near equality the estimate is a noncentral chi-square variable, whose mean exceeds the divergence by its degrees of
    freedom and whose variance is ``2 k + 4 λ`` (in units of ``1/n + 1/m``); far from it the delta method holds. Both parts
    are in the two terms under the root. Percentile bootstraps of such estimates are biased upward twice, and not used.
    The upper limit never lies below the estimate itself, so that the value people see is in its interval.
    """
    centre, half = estimate.value - estimate.bias, z * float(np.sqrt(estimate.variance + estimate.noise))
    return min(max(centre - half, 0.0), highest), min(max(centre + half, estimate.value), highest)


def ks_limits(statistic: float, first: int, second: int, confidence: float) -> tuple[float, float]:
    """Interval for the largest distance of two distribution functions.

    Notes
    -----
    The statistic moves by no more than the largest error of the difference of the two empirical functions, which has
    Kolmogorov's distribution at equality: ``D ± K √(1/n + 1/m)``. It excludes 0 exactly where the asymptotic test does.
    """
    from scipy.special import kolmogi

    half = float(kolmogi(1 - confidence)) * float(np.sqrt(1 / first + 1 / second))
    return max(statistic - half, 0.0), min(statistic + half, 1.0)


def wasserstein_noise(points: Floats, first: Counts, second: Counts, *, atoms: bool, seed: int) -> Floats:
    """Multinomial bootstrap of ``∫ |(F* − F) − (G* − G)| dx``: how far the distance may be off by sampling.

    Parameters
    ----------
    points
        (k,) ascending places.
    first, second
        (k + 1,) counts: below the first point, from each to the next, from the last on.
    atoms
        Whether all values lie at the points; else they are taken to lie evenly between them.
    seed
        The same seed draws the same samples.

    Returns
    -------
    ndarray
        (400,) sorted draws. The distance is 1-Lipschitz in that norm, so that a quantile of it is a margin of error
        whatever the distance, also at 0, where the distance itself cannot be bootstrapped (Sommerfeld and Munk 2018,
        JRSS B 80, 219–238).
    """
    draw = np.random.default_rng(seed)
    error = np.zeros((_REPLICATES, len(points)))
    for counts, sign in ((first, 1), (second, -1)):
        rows = int(counts.sum())
        drawn = draw.multinomial(rows, counts / rows, _REPLICATES) - counts
        error += sign * np.cumsum(drawn[:, :-1], axis=1) / rows
    size = np.abs(error)
    height = size[:, 1:] if atoms else (size[:, :-1] + size[:, 1:]) / 2
    return np.sort((height * np.diff(points)).sum(axis=1))


def quantile_of(draws: Floats, confidence: float) -> float:
    """The smallest draw that is at least as large as a share ``confidence`` of them."""
    return float(draws[min(int(np.ceil(confidence * len(draws))), len(draws)) - 1])
