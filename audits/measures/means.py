"""Means of groups with their standard errors, and limits of the means, their differences and their ratios. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from audits.intervals import Bounds, Floats
from audits.measures.pairs import Pairs


@dataclass(frozen=True, eq=False, kw_only=True)
class Means:
    """Weighted means of G groups.

    Attributes
    ----------
    value
        (G,) the means; NaN where a group has no row.
    error
        (G,) standard errors; infinite where a group has fewer than two rows.
    freedom
        (G,) degrees of freedom: Kish's effective size minus one.
    rows
        (G,) rows.
    """

    value: Floats
    error: Floats
    freedom: Floats
    rows: Floats

    @classmethod
    def of_sums(cls, *, rows: Floats, weight: Floats, weight_squares: Floats, sum: Floats, squares: Floats) -> Means:
        """From Σw, Σw², Σwx and Σw²(x − m)² per group, ``m`` its mean: :func:`squares_about` gives the last from raw sums.

        Notes
        -----
        ``s² = n/(n − 1) Σw²(x − m)²/(Σw)²``: the delta-method variance of a ratio of sums; the usual ``s²/n`` where every row
        counts one. Särndal, Swensson and Wretman (1992), "Model Assisted Survey Sampling", section 5.7.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            value = sum / weight
            size = weight**2 / weight_squares
            error = np.sqrt(np.maximum(squares, 0.0) * rows / np.maximum(rows - 1, 1)) / weight
        return cls(value=value, error=np.where(rows > 1, error, np.inf), freedom=np.maximum(size - 1, 0.0), rows=rows)

    def take(self, members: Pairs) -> Means:
        """Some of the groups."""
        return Means(
            value=self.value[members],
            error=self.error[members],
            freedom=self.freedom[members],
            rows=self.rows[members],
        )

    def limits(self, z: float) -> Bounds:
        """(G,) Student's limits; infinite where a group has fewer than two rows."""
        half = student(z, self.freedom) * self.error
        return self.value - half, self.value + half

    def difference_limits(self, one: Pairs, two: Pairs, z: float) -> Bounds:
        """Welch's limits of the differences of the means ``one`` and ``two``.

        Notes
        -----
        Welch, B. L. (1947), Biometrika 34, 28–35, with Satterthwaite's degrees of freedom.
        """
        difference = self.value[one] - self.value[two]
        half = self._welch(self.error[one] ** 2, self.error[two] ** 2, one, two, z)
        return difference - half, difference + half

    def ratio_limits(self, one: Pairs, two: Pairs, z: float) -> Bounds:
        """Limits of the ratios of positive means ``one`` to ``two``, on the log scale by the delta method."""
        with np.errstate(divide="ignore", invalid="ignore"):
            centre = np.log(self.value[one]) - np.log(self.value[two])
            relative = [(self.error[side] / self.value[side]) ** 2 for side in (one, two)]
            half = self._welch(relative[0], relative[1], one, two, z)
            low, high = np.exp(centre - half), np.exp(np.minimum(centre + half, 700.0))
        return np.where(np.isnan(low), 0.0, low), np.where(np.isnan(high), np.inf, high)

    def _welch(self, first: Floats, second: Floats, one: Pairs, two: Pairs, z: float) -> Floats:
        with np.errstate(divide="ignore", invalid="ignore"):
            parts = first**2 / np.maximum(self.freedom[one], 1e-9) + second**2 / np.maximum(self.freedom[two], 1e-9)
            freedom = np.where(parts > 0, (first + second) ** 2 / parts, np.inf)
            half: Floats = student(z, np.nan_to_num(freedom, nan=0.0, posinf=1e9)) * np.sqrt(first + second)
        return half


def student(z: float, freedom: Floats) -> Floats:
    """Student's critical values of the same level as a normal one, on the given degrees of freedom; infinite on none."""
    from scipy.special import stdtrit

    tail = NormalDist().cdf(-z)
    with np.errstate(invalid="ignore"):
        value: Floats = -np.asarray(stdtrit(np.maximum(freedom, 1e-9), tail), dtype=np.float64)
    return np.where((freedom > 0) & np.isfinite(value), value, np.inf)


def squares_about(mean: Floats, *, squares: Floats, products: Floats, weight_squares: Floats) -> Floats:
    """Σw²(x − m)² from Σw²x², Σw²x and Σw²; exact enough where x was centred near its mean before summing."""
    about: Floats = np.maximum(squares - 2 * mean * products + mean**2 * weight_squares, 0.0)
    return about
