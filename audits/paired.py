"""Intervals and tests for two classifiers scored on the very same rows. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb, erfc, sqrt
from statistics import NormalDist

EXACT_BELOW = 25
_BISECTIONS = 80
_DIRECT = 500


def tango_difference(first_only: float, second_only: float, n: float, z: float) -> tuple[float, float]:
    """Tango's score interval for a difference of paired proportions.

    Parameters
    ----------
    first_only, second_only
        Discordant pairs: rows that only the first (only the second) got right.
    n
        All pairs.
    z
        Critical value.

    Returns
    -------
    low, high
        The differences Δ at which ``|b − c − nΔ| / √(n (2q + Δ(1 − Δ)))`` equals ``z``, where ``q`` is the
        maximum-likelihood rate of the second kind of discordance given Δ.

    Notes
    -----
    Tango, T. (1998), Statistics in Medicine 17, 891–908.
    """
    b, c = float(first_only), float(second_only)
    high = _tango_high(b, c, float(n), z)
    low = -_tango_high(c, b, float(n), z)
    return low, high


def _tango_high(b: float, c: float, n: float, z: float) -> float:
    inside, outside = (b - c) / n, 1.0
    for _ in range(_BISECTIONS):
        middle = (inside + outside) / 2
        if _tango_statistic(middle, b, c, n) < -z:
            outside = middle
        else:
            inside = middle
    return outside


def _tango_statistic(difference: float, b: float, c: float, n: float) -> float:
    linear = (2 * n - b + c) * difference - b - c
    constant = -c * difference * (1 - difference)
    q = (sqrt(max(linear * linear - 8 * n * constant, 0.0)) - linear) / (4 * n)
    variance = n * (2 * q + difference * (1 - difference))
    distance = b - c - n * difference
    if variance <= 0:
        return 0.0 if distance == 0 else float("-inf")
    return distance / sqrt(variance)


def mcnemar(first_only: int, second_only: int) -> tuple[float, str]:
    """Two-sided McNemar test that both classifiers err equally often.

    Returns
    -------
    p, method
        ``mcnemar-exact`` (binomial) below 25 discordant pairs, ``mcnemar`` (chi-squared, uncorrected) from there on.

    Notes
    -----
    McNemar, Q. (1947), Psychometrika 12, 153–157.
    """
    discordant = first_only + second_only
    if discordant < EXACT_BELOW:
        tail = sum(comb(discordant, k) for k in range(min(first_only, second_only) + 1)) / 2**discordant
        return min(1.0, 2 * tail), "mcnemar-exact"
    statistic = abs(first_only - second_only) / sqrt(discordant)
    return 2 * (1 - NormalDist().cdf(statistic)), "mcnemar"


@dataclass(frozen=True, slots=True)
class McNemar:
    """What McNemar's test says of two kinds of discordant pairs.

    Attributes
    ----------
    statistic
        ``(|b − c| − 1)² / (b + c)``, with the correction for continuity; 0 where there is no discordant pair.
    p
        Two-sided.
    mid_p
        The exact p less half the probability of what was seen: nearer to the nominal level, where the exact test is timid.
    method
        ``mcnemar-exact`` below 25 discordant pairs, ``mcnemar-corrected`` from there on.
    """

    statistic: float
    p: float
    mid_p: float
    method: str


def mcnemar_test(first_only: int, second_only: int) -> McNemar:
    """Two-sided McNemar test: exact below 25 discordant pairs, chi-squared with correction for continuity from there on.

    Notes
    -----
    McNemar, Q. (1947), Psychometrika 12, 153–157; Edwards, A. L. (1948), Psychometrika 13, 185–187 for the correction;
    Fagerland, Lydersen and Laake (2013), BMC Medical Research Methodology 13, 91 for mid-p.
    """
    discordant, apart = first_only + second_only, abs(first_only - second_only)
    statistic = max(apart - 1, 0) ** 2 / discordant if discordant else 0.0
    exact, seen = _binomial_tail(discordant, min(first_only, second_only))
    # Where both kinds are as many, the two tails share the middle, which the doubled tail counts twice.
    mid_p = 1 - seen / 2 if apart == 0 else 2 * exact - seen
    if discordant < EXACT_BELOW:
        return McNemar(statistic, min(1.0, 2 * exact), mid_p, "mcnemar-exact")
    # The tail by erfc: 1 − cdf would be 0 from about 70 on.
    return McNemar(statistic, erfc(sqrt(statistic / 2)), mid_p, "mcnemar-corrected")


def _binomial_tail(n: int, k: int) -> tuple[float, float]:
    """``P(X ≤ k)`` and ``P(X = k)`` for ``X`` binomial(n, ½); from the logarithms where n is large."""
    if n < _DIRECT:
        return sum(comb(n, i) for i in range(k + 1)) / 2**n, comb(n, k) / 2**n
    from scipy.stats import binom

    return float(binom.cdf(k, n, 0.5)), float(binom.pmf(k, n, 0.5))
