"""Intervals for the largest gap and the smallest ratio over groups, from simultaneous pairwise intervals. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audits.intervals import Floats, critical_value, koopman_ratio, newcombe_difference
from registry.errors import InvalidInput

MOST_COMPARED = 400


@dataclass(frozen=True, slots=True)
class Family:
    """One rate over k groups: point values, effective numerators and denominators, each (k,)."""

    rate: Floats
    part: Floats
    of: Floats


@dataclass(frozen=True, slots=True)
class Extreme:
    """The extreme over pairs of groups, its simultaneous interval, and the pair (and family) that makes it.

    ``first`` and ``second`` index the groups with the larger and the smaller rate.
    """

    value: float
    low: float
    high: float
    family: int
    first: int
    second: int


def _pairs(k: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    if k > MOST_COMPARED:
        raise InvalidInput(
            f"{k} groups cannot be compared with one another (at most {MOST_COMPARED}); bin a column or cross fewer"
        )
    one, two = np.nonzero(~np.eye(k, dtype=np.bool_))
    return one, two


def smallest_ratio(family: Family, confidence: float) -> Extreme | None:
    """The smallest ratio of two groups' rates (min / max), with a simultaneous interval.

    Returns
    -------
    Extreme or None
        None where no ratio is defined: fewer than two groups, or every rate 0.

    Notes
    -----
    With Koopman intervals ``[L, U]`` for all ordered pairs that hold together with the given confidence (Šidák over the
    k(k − 1)/2 pairs; the reversed pair is the same event), the smallest ratio lies in ``[min L, min U]``: it is one of the
    ratios, and below every one. Clipped to [0, 1].
    """
    k = len(family.rate)
    if k < 2 or not family.rate.max() > 0:  # noqa: PLR2004 - a comparison takes two
        return None
    one, two = _pairs(k)
    z = critical_value(confidence, k * (k - 1) // 2)
    low, high = koopman_ratio(family.part[one], family.of[one], family.part[two], family.of[two], z)
    smallest, largest = int(np.argmin(family.rate)), int(np.argmax(family.rate))
    value = float(family.rate[smallest] / family.rate[largest])
    return Extreme(value, min(float(low.min()), value), max(min(float(high.min()), 1.0), value), 0, largest, smallest)


def largest_difference(families: Sequence[Family], confidence: float) -> Extreme | None:
    """The largest difference between two groups' rates, over one rate or several, with a simultaneous interval.

    Returns
    -------
    Extreme or None
        None where a rate is defined for fewer than two groups.

    Notes
    -----
    With Newcombe intervals ``[L, U]`` for all ordered pairs of all rates, holding together (Šidák over all unordered
    pairs), the largest difference lies in ``[max L, max U]``. Clipped to [0, 1].
    """
    if any(len(family.rate) < 2 for family in families):  # noqa: PLR2004 - a comparison takes two
        return None
    comparisons = sum(len(family.rate) * (len(family.rate) - 1) // 2 for family in families)
    z = critical_value(confidence, comparisons)
    lows, highs, gaps = [], [], []
    for family in families:
        one, two = _pairs(len(family.rate))
        low, high = newcombe_difference(family.part[one], family.of[one], family.part[two], family.of[two], z)
        lows.append(float(low.max()))
        highs.append(float(high.max()))
        gaps.append(float(family.rate.max() - family.rate.min()))
    worst = int(np.argmax(gaps))
    rate, value = families[worst].rate, gaps[worst]
    low_limit = min(max(*lows, 0.0), value)
    return Extreme(value, low_limit, min(max(*highs, value), 1.0), worst, int(np.argmax(rate)), int(np.argmin(rate)))
