"""What slices are judged by: a rate or a mean loss, as sums that an engine makes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from audits.engines.port import ROWS
from audits.intervals import Bounds, Floats
from audits.measures.sums import SumSet
from audits.measures.weighted_shares import effective, share

if TYPE_CHECKING:
    import ibis

_TINY = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceMetric:
    """A metric that is the (weighted) mean of a value over some rows.

    Attributes
    ----------
    name
        scikit-learn's or fairlearn's.
    of
        Truth of a row: whether it counts; ``None`` where every row does.
    value
        What is averaged: a truth for a rate, a number for a loss.
    weight
        Positive weights; ``None`` where every row counts one.
    rate
        Whether it is a rate.
    largest, largest_weight
        The largest absolute value and weight.
    higher_is_better
        Whether a low value is the bad one.
    """

    name: str
    of: ibis.Value | None
    value: ibis.Value
    weight: ibis.Value | None = None
    rate: bool = True
    higher_is_better: bool = True
    largest: float = 1.0
    largest_weight: float = 1.0

    def sums(self, prefix: str) -> SumSet:
        """The sums that it takes, each under a name that begins with ``prefix``; those that the row count gives are left out."""
        import ibis

        counts: dict[str, ibis.Value] = {}
        numbers: dict[str, tuple[ibis.Value, float]] = {}
        weight, most = self.weight, self.largest_weight
        if self.of is not None:
            counts["rows"] = self.of
        if self.rate and weight is None:
            counts["total"] = self.value if self.of is None else self.of & self.value
        else:
            value = self.value.ifelse(1.0, 0.0) if self.rate else self.value
            total = value if weight is None else value * weight
            numbers["total"] = (total, most * self.largest)
            if not self.rate:
                numbers["cross"] = (total if weight is None else total * weight, most**2 * self.largest)
                numbers["square"] = (total * total, (most * self.largest) ** 2)
        if weight is not None:
            numbers |= {"mass": (weight, most), "squares": (weight * weight, most**2)}
        if self.of is not None:
            numbers = {name: (ibis.ifelse(self.of, term, 0.0), limit) for name, (term, limit) in numbers.items()}
        return SumSet(
            numbers={prefix + name: pair for name, pair in numbers.items()},
            counts={prefix + name: truth for name, truth in counts.items()},
        )

    def estimates(self, sums: Mapping[str, Floats], prefix: str) -> Estimates:
        """The metric of every cell of the arrays of sums, flattened."""
        found = {name.removeprefix(prefix): sums[name].ravel() for name in sums if name.startswith(prefix)}
        rows = found.get("rows", sums[ROWS].ravel())
        mass, squares = found.get("mass", rows), found.get("squares", rows)
        value = share(found["total"], mass)
        spread = None
        if not self.rate:
            centred = np.maximum(found["square"] - 2 * value * found["cross"] + value**2 * squares, 0.0)
            with np.errstate(divide="ignore", invalid="ignore"):
                spread = np.sqrt(centred * rows / np.maximum(rows - 1, 1)) / mass
        return Estimates(rows=rows, value=value, size=effective(mass, squares), spread=spread)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Estimates:
    """A metric of many slices: rows that count, value, effective rows, and the standard error where it is a mean."""

    rows: Floats
    value: Floats
    size: Floats
    spread: Floats | None = None

    def limits(self, z: float) -> Bounds:
        """Exact limits of rates; Student's of means.

        Notes
        -----
        Clopper, C. J. and Pearson, E. S. (1934), Biometrika 26, 404–413. Far out in the tails, where limits for thousands of
        slices at once lie, Wilson's do not hold for few rows and a rate near 1; these hold always.
        """
        from scipy.special import betaincinv, stdtrit

        tail = NormalDist().cdf(-z)
        if self.spread is None:
            hits = np.nan_to_num(self.value) * self.size
            misses = np.maximum(self.size - hits, 0.0)
            low = np.where(hits > 0, betaincinv(np.maximum(hits, _TINY), misses + 1, tail), 0.0)
            high = np.where(misses > 0, betaincinv(hits + 1, np.maximum(misses, _TINY), 1 - tail), 1.0)
            return np.where(self.size > 0, low, np.nan), np.where(self.size > 0, high, np.nan)
        half = -stdtrit(np.maximum(self.size - 1, 1.0), tail) * self.spread
        return self.value - half, self.value + half

    def without(self, whole: int, part: int) -> Estimates:
        """The rate of the rows of one slice that are not in another, which lies within it."""
        size = max(float(self.size[whole] - self.size[part]), 0.0)
        total = float(self.value[whole] * self.size[whole] - self.value[part] * self.size[part])
        rate = min(max(total / size, 0.0), 1.0) if size > 0 else float("nan")
        return Estimates(
            rows=np.array([self.rows[whole] - self.rows[part]]), value=np.array([rate]), size=np.array([size])
        )

    def chosen(self, places: npt.NDArray[np.int64]) -> Estimates:
        """Those at the given places."""
        spread = None if self.spread is None else self.spread[places]
        return Estimates(rows=self.rows[places], value=self.value[places], size=self.size[places], spread=spread)
