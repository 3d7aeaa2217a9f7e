"""Means of rows drawn anew: the row bootstrap of many columns at once, and how large a family's critical value is. Pure."""

from __future__ import annotations

from math import ceil

import numpy as np
import numpy.typing as npt

from audits.intervals import Floats, critical_value

REPLICATES = 1000
_AT_ONCE = 2_000_000


def replicate_means(rows: Floats, *, seed: int, stream: int = 0, replicates: int = REPLICATES) -> Floats:
    """(R, d) means of the columns of ``rows`` (n, d) in R bootstrap samples of n rows; the same seed gives the same means."""
    draw = np.random.Generator(np.random.SFC64([seed, stream, len(rows)]))
    count = len(rows)
    each = max(_AT_ONCE // max(count, 1), 1)
    parts = []
    for start in range(0, replicates, each):
        weights = draw.multinomial(count, np.full(count, 1.0 / count), size=min(each, replicates - start))
        parts.append(weights @ rows / count)
    return np.concatenate(parts)


def critical_of(largest: npt.NDArray[np.floating], confidence: float, comparisons: int) -> float:
    """The critical value at which a family of intervals holds together.

    Parameters
    ----------
    largest
        (R,) the largest studentised deviation of the family in each replicate.
    comparisons
        Members of the family.

    Notes
    -----
    The ``confidence`` quantile of the largest statistic (Hothorn, Bretz and Westfall 2008, Biometrical Journal 50,
    346–363), never below the value for a single interval nor above Šidák's, which holds for any correlation.
    """
    if comparisons <= 1:
        return critical_value(confidence)
    at = min(ceil(confidence * (len(largest) + 1)), len(largest)) - 1
    found = float(np.sort(largest)[at])
    return min(max(found, critical_value(confidence)), critical_value(confidence, comparisons))


def standard_errors(rows: Floats) -> Floats:
    """(d,) standard errors of the columns' means."""
    if len(rows) < 2:  # noqa: PLR2004 - one row says nothing about spread
        return np.full(rows.shape[1], np.inf)
    spread: Floats = rows.std(axis=0, ddof=1) / np.sqrt(len(rows))
    return spread
