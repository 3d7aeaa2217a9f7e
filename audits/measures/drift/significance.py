"""Whether a difference between two samples could be chance, for one column and for many at once. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from audits.measures.drift.distances import Counts, chi_square, occupied

LEAST_EXPECTED = 5.0
_EXACT_ROWS = 100
CORRECTIONS = ("holm", "benjamini-hochberg", "none")


def ks_p_value(statistic: float, first: int, second: int) -> tuple[float, str]:
    """Two-sided p-value of the two-sample Kolmogorov–Smirnov statistic, and how it was made.

    Parameters
    ----------
    statistic
        Largest distance of the two distribution functions.
    first, second
        Rows of either sample.

    Notes
    -----
    Up to 100 rows on both sides from the exact distribution without ties (Hodges 1958, Arkiv för Matematik 3, 469–486;
    by counting lattice paths that stay inside), else from the exact one-sample distribution with
    ``n m / (n + m)`` rows, as scipy's ``ks_2samp`` does. With ties both are conservative.
    """
    if max(first, second) <= _EXACT_ROWS:
        return _paths_outside(statistic, first, second), "ks-exact"
    from scipy.stats import kstwo

    rows = round(first * second / (first + second))
    return float(np.clip(kstwo.sf(statistic, rows), 0.0, 1.0)), "ks-asymptotic"


def _paths_outside(statistic: float, n: int, m: int) -> float:
    """Share of the lattice paths from (0, 0) to (n, m) that reach ``|i/n − j/m| >= statistic``.

    Walked as probabilities: at (i, j) the next row is of the first sample with probability ``(n − i) / (n − i + m − j)``.
    """
    reach = round(statistic * n * m)
    if reach <= 0:
        return 1.0
    inside = np.zeros(m + 1)
    places = np.arange(m + 1)
    for i in range(n + 1):
        kept = np.abs(i * m - places * n) < reach
        if i:
            inside *= (n - i + 1) / (n - i + 1 + m - places)
        else:
            inside[0] = 1.0
        inside[0] *= kept[0]
        for j in range(1, m + 1):
            inside[j] += inside[j - 1] * (m - j + 1) / (n - i + m - j + 1)
            inside[j] *= kept[j]
    return float(np.clip(1.0 - inside[m], 0.0, 1.0))


def chi_square_p_value(first: Counts, second: Counts) -> tuple[float, str]:
    """p-value of Pearson's chi-square test that both rows of a table come from one population, and how it was made.

    Notes
    -----
    Categories whose expected count is below 5 on either side are put together first, smallest first (Cochran 1954,
    Biometrics 10, 417–451). If only two are left that are still too small, Fisher's exact test.
    """
    from scipy.stats import chi2, fisher_exact

    first, second = occupied(first, second)
    if len(first) < 2:  # noqa: PLR2004 - one category on both sides is no difference
        return 1.0, "one category"
    pooled = _pool(first, second)
    if _least_expected(*pooled) < LEAST_EXPECTED:
        return float(fisher_exact(np.array(pooled)).pvalue), "fisher-exact"
    return float(chi2.sf(chi_square(*pooled), len(pooled[0]) - 1)), "chi-square"


def psi_p_value(value: float, freedom: int, first: int, second: int) -> float:
    """Chance of a population stability index at least as large if nothing changed (Yurdakul and Naranjo 2020)."""
    from scipy.stats import chi2

    return float(chi2.sf(value / (1 / first + 1 / second), freedom)) if freedom else 1.0


def psi_critical(freedom: int, first: int, second: int, confidence: float) -> float:
    """The population stability index that chance alone exceeds with probability ``1 − confidence``."""
    from scipy.stats import chi2

    return float(chi2.ppf(confidence, freedom)) * (1 / first + 1 / second) if freedom else 0.0


def corrected(p_values: Sequence[float], correction: str) -> list[float]:
    """p-values corrected for how many there are, in their order.

    Notes
    -----
    ``holm``: the chance of any false alarm stays below the level (Holm 1979, Scandinavian Journal of Statistics 6, 65–70).
    ``benjamini-hochberg``: the expected share of false alarms among the alarms does (1995, JRSS B 57, 289–300).
    """
    if correction == "none" or not p_values:
        return list(p_values)
    p = np.asarray(p_values)
    order = np.argsort(p, kind="stable")
    k = len(p)
    if correction == "holm":
        stepped = np.maximum.accumulate(p[order] * (k - np.arange(k)))
    else:
        stepped = np.minimum.accumulate((p[order] * k / np.arange(1, k + 1))[::-1])[::-1]
    result = np.empty(k)
    result[order] = np.minimum(stepped, 1.0)
    return [float(value) for value in result]


def _least_expected(first: Counts, second: Counts) -> float:
    rarer = min(first.sum(), second.sum()) / (first.sum() + second.sum())
    return float((first + second).min() * rarer)


def _pool(first: Counts, second: Counts) -> tuple[Counts, Counts]:
    """Put the rarest categories together until each expects enough rows, or two are left."""
    order = np.argsort(first + second, kind="stable")
    first, second = first[order], second[order]
    rarer = min(first.sum(), second.sum()) / (first.sum() + second.sum())
    expected = (first + second) * rarer
    small = int((expected < LEAST_EXPECTED).sum())
    if small == 0 or len(first) == 2:  # noqa: PLR2004 - a table needs two columns
        return first, second
    if expected[:small].sum() < LEAST_EXPECTED:
        small += 1
    small = min(small, len(first) - 1)
    return (
        np.concatenate([[first[:small].sum()], first[small:]]),
        np.concatenate([[second[:small].sum()], second[small:]]),
    )
