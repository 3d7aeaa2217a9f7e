"""Floating sums, rounded to where they no longer depend on the order in which an engine added. Pure."""

from __future__ import annotations

_DIGITS = 10


def settled(value: float) -> float:
    """The number to ten significant digits.

    Engines add in parallel and in any order, so that the last bits of a sum differ from run to run; the same data must give
    the same bytes.
    """
    return float(f"{value:.{_DIGITS}g}")
