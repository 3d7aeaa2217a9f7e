"""The largest difference and the smallest ratio over pairs of groups, from limits of pairs that hold together. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audits.intervals import Bounds, Floats, critical_value
from registry.errors import InvalidInput

MOST_COMPARED = 400

Pairs = npt.NDArray[np.intp]
Limits = Callable[[Pairs, Pairs, float], Bounds]
"""Limits of a difference or ratio of each first group to each second one, for a critical value."""


@dataclass(frozen=True, slots=True)
class Extreme:
    """The extreme over pairs, its simultaneous interval, and the groups with the larger and the smaller value."""

    value: float
    low: float
    high: float
    largest: int
    smallest: int


def ordered_pairs(k: int) -> tuple[Pairs, Pairs]:
    """Both orders of every pair of k groups.

    Raises
    ------
    InvalidInput
        If there are more than can be compared with one another.
    """
    if k > MOST_COMPARED:
        raise InvalidInput(
            f"{k} groups cannot be compared with one another (at most {MOST_COMPARED}); bin a column or cross fewer"
        )
    one, two = np.nonzero(~np.eye(k, dtype=np.bool_))
    return one, two


def pair_critical_value(k: int, confidence: float, families: int = 1) -> float:
    """The critical value with which all pairs of k groups, in each of several families, hold together (Šidák)."""
    return critical_value(confidence, families * k * (k - 1) // 2)


def largest_gap(value: Floats, limits: Limits, confidence: float, *, families: int = 1) -> Extreme | None:
    """The largest difference between two of k values; None where there are fewer than two.

    Notes
    -----
    With limits ``[L, U]`` of all ordered differences holding together, the largest difference lies in ``[max L, max U]``: it
    is one of them and above every one. Not below 0.
    """
    k = len(value)
    if k < 2:  # noqa: PLR2004 - a comparison takes two
        return None
    one, two = ordered_pairs(k)
    low, high = limits(one, two, pair_critical_value(k, confidence, families))
    gap = float(value.max() - value.min())
    least = min(max(float(low.max()), 0.0), gap)
    return Extreme(gap, least, max(float(high.max()), gap), int(value.argmax()), int(value.argmin()))


def smallest_quotient(value: Floats, limits: Limits, confidence: float, *, families: int = 1) -> Extreme | None:
    """The smallest ratio of two of k values that are not negative; None where no two or all are 0.

    Notes
    -----
    As :func:`largest_gap`: the smallest ratio lies in ``[min L, min U]``. Not above 1.
    """
    k = len(value)
    if k < 2 or not value.max() > 0:  # noqa: PLR2004 - a comparison takes two
        return None
    one, two = ordered_pairs(k)
    low, high = limits(one, two, pair_critical_value(k, confidence, families))
    ratio = float(value.min() / value.max())
    return Extreme(
        ratio,
        min(max(float(low.min()), 0.0), ratio),
        max(min(float(high.min()), 1.0), ratio),
        int(value.argmax()),
        int(value.argmin()),
    )
