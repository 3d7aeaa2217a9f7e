"""A threshold, or two, and whether a value with its interval clears it. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

from governance.rules.wording import count, threshold

Clearance: TypeAlias = Literal["pass", "fail", "inconclusive"]

_TOUCHING = 1e-6
"""Nearer to a bound than this share of the half-width, a value is said to lie on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """The values that a rule allows: from ``at_least`` to ``at_most``, both included; None is no bound.

    ``whole`` says that the value is a count, which reads without decimals.
    """

    at_least: float | None = None
    at_most: float | None = None
    whole: bool = False

    @property
    def marks(self) -> list[float]:
        """The bounds that are given."""
        return [bound for bound in (self.at_least, self.at_most) if bound is not None]

    def of_interval(self, low: float, high: float) -> Clearance:
        """Judge an interval: it clears as a whole, violates as a whole, or cannot tell.

        Each bound is judged by itself; one violated bound is enough to fail.
        """
        floor = -math.inf if self.at_least is None else self.at_least
        ceiling = math.inf if self.at_most is None else self.at_most
        if high < floor or low > ceiling:
            return "fail"
        return "pass" if floor <= low and high <= ceiling else "inconclusive"

    def of_point(self, value: float) -> Clearance:
        """Judge a value as if it were known exactly."""
        return self.of_interval(value, value)

    def slack(self, value: float) -> float:
        """How far inside the bounds ``value`` lies; negative outside."""
        inside = [math.inf]
        if self.at_least is not None:
            inside.append(value - self.at_least)
        if self.at_most is not None:
            inside.append(self.at_most - value)
        return min(inside)

    def words(self) -> str:
        """Write the bounds: ``at least 0.80``, ``at most 0.10``, ``at least 0.40 and at most 0.60``."""
        parts = []
        if self.at_least is not None:
            parts.append(f"at least {self._written(self.at_least)}")
        if self.at_most is not None:
            parts.append(f"at most {self._written(self.at_most)}")
        return " and ".join(parts)

    def _written(self, bound: float) -> str:
        return count(int(bound)) if self.whole and bound == int(bound) else threshold(bound)

    def samples_to_settle(self, value: float, low: float, high: float, n: int) -> int | None:
        r"""Estimate the sample size at which the interval would no longer straddle a bound.

        Half-widths shrink with the square root of the sample size, so with the value unchanged

        .. math:: n' = n \, (h / |v - t|)^2

        where ``t`` is the bound, and ``h`` the half-width on the bound's side of the value ``v`` (intervals of rates
        and ratios are not symmetric). With two straddled bounds the larger answer counts.

        Returns
        -------
        int or None
            None when the value lies on a straddled bound: then no sample size would settle it.
        """
        needed = n + 1
        for bound in self.marks:
            if not low <= bound <= high:
                continue
            distance = abs(value - bound)
            half_width = abs(value - low) if bound < value else abs(high - value)
            if distance <= _TOUCHING * half_width:
                return None
            needed = max(needed, math.ceil(n * (half_width / distance) ** 2))
        return needed
