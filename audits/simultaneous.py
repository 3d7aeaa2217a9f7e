"""Intervals for the largest gap and the smallest ratio over groups, from simultaneous pairwise intervals. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audits.intervals import Floats, koopman_ratio, newcombe_difference
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


def refuse_many(k: int) -> None:
    """Raise :class:`InvalidInput` where k groups are too many to compare each with each."""
    if k > MOST_COMPARED:
        raise InvalidInput(
            f"{k} groups cannot be compared with one another (at most {MOST_COMPARED}); bin a column or cross fewer"
        )


def _pairs(k: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    refuse_many(k)
    return np.triu_indices(k, 1)


def smallest_ratio(families: Sequence[Family], z: float) -> Extreme | None:
    """The smallest ratio of two groups' rates (min / max), over one rate or several, with a simultaneous interval.

    Parameters
    ----------
    z
        Critical value at which the intervals of all pairs hold together, see :meth:`audits.max_t.Bootstrap.critical`.

    Returns
    -------
    Extreme or None
        None where a ratio is not defined: fewer than two groups, or every rate 0.

    Notes
    -----
    With Koopman intervals ``[L, U]`` for all pairs, and the reciprocal ones for the pairs reversed, that hold together, the
    smallest ratio lies in ``[min L, min U]``: it is one of the ratios, and below every one. Clipped to [0, 1].
    """
    if any(len(family.rate) < 2 or not family.rate.max() > 0 for family in families):  # noqa: PLR2004 - a pair
        return None
    lows, highs, values = [], [], []
    for family in families:
        one, two = _pairs(len(family.rate))
        low, high = koopman_ratio(family.part[one], family.of[one], family.part[two], family.of[two], z)
        with np.errstate(divide="ignore"):  # a limit of 0 has the other way round no limit
            lows.append(min(float(low.min()), float((1 / high).min())))
            highs.append(min(float(high.min()), float((1 / low).min())))
        values.append(float(family.rate.min() / family.rate.max()))
    worst = int(np.argmin(values))
    rate, value = families[worst].rate, values[worst]
    high_limit = max(min(*highs, 1.0), value)
    return Extreme(value, min(*lows, value), high_limit, worst, int(np.argmax(rate)), int(np.argmin(rate)))


def largest_difference(families: Sequence[Family], z: float) -> Extreme | None:
    """The largest difference between two groups' rates, over one rate or several, with a simultaneous interval.

    Parameters
    ----------
    z
        Critical value at which the intervals of all pairs hold together.

    Returns
    -------
    Extreme or None
        None where a rate is defined for fewer than two groups.

    Notes
    -----
    With Newcombe intervals ``[L, U]`` for all pairs of all rates, either way round, holding together, the largest difference lies in
    ``[max L, max U]``. Clipped to [0, 1].
    """
    if any(len(family.rate) < 2 for family in families):  # noqa: PLR2004 - a comparison takes two
        return None
    lows, highs, gaps = [], [], []
    for family in families:
        one, two = _pairs(len(family.rate))
        low, high = newcombe_difference(family.part[one], family.of[one], family.part[two], family.of[two], z)
        lows.append(max(float(low.max()), float(-high.min())))
        highs.append(max(float(high.max()), float(-low.min())))
        gaps.append(float(family.rate.max() - family.rate.min()))
    worst = int(np.argmax(gaps))
    rate, value = families[worst].rate, gaps[worst]
    low_limit = min(max(*lows, 0.0), value)
    return Extreme(value, low_limit, min(max(*highs, value), 1.0), worst, int(np.argmax(rate)), int(np.argmin(rate)))
