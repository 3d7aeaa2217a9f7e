"""What each threshold would do to one group: people selected, and decisions right, from nobody to everybody. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import floor

import numpy as np
import numpy.typing as npt

from audits.intervals import Floats
from audits.score_table import ScoreBins

MOST_CUTS = 2000
_MOST_DIGITS = 17

Places = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False, kw_only=True)
class Curve:
    """K thresholds of one group, from the one that selects nobody to the one that selects everybody.

    Attributes
    ----------
    threshold
        (K,) the lowest score that is selected; infinite for nobody.
    above
        (K,) the highest score that is not selected: every threshold above it, up to ``threshold``, does the same. Minus
        infinity for everybody; equal to ``threshold`` where scores are binned and only the edge itself is sure.
    true, false
        (K,) weight selected with label 1 and with label 0.
    positive, negative
        Weight with label 1 and with label 0.
    size
        Kish's effective rows by unit of weight.
    price
        What selecting one more costs, in right decisions; moves the choice of thresholds towards fewer (or, below 0, more).
    """

    threshold: Floats
    above: Floats
    true: Floats
    false: Floats
    positive: float
    negative: float
    size: float
    price: float = 0.0

    @classmethod
    def of_bins(cls, bins: ScoreBins) -> Curve:
        """From the rows of a group by score; of very many scores only the best threshold per 1/2000 of the rows is kept."""
        top = bins.weights[::-1]
        weight = float(bins.weights.sum())
        binned = bool((bins.high > bins.low).any())
        threshold = np.r_[np.inf, bins.low[::-1]]
        above = threshold if binned else np.r_[bins.low[::-1], -np.inf]
        whole = cls(
            threshold=threshold,
            above=above,
            true=np.r_[0.0, np.cumsum(top[:, 1])],
            false=np.r_[0.0, np.cumsum(top[:, 0])],
            positive=float(bins.weights[:, 1].sum()),
            negative=float(bins.weights[:, 0].sum()),
            size=weight / float(bins.squares.sum()),
        )
        return whole if len(threshold) <= MOST_CUTS else whole._take(whole._best_by_rate())

    def _take(self, kept: Places) -> Curve:
        return Curve(
            threshold=self.threshold[kept],
            above=self.above[kept],
            true=self.true[kept],
            false=self.false[kept],
            positive=self.positive,
            negative=self.negative,
            size=self.size,
        )

    def _best_by_rate(self) -> Places:
        part = np.minimum((self.rate * (MOST_CUTS - 2)).astype(np.int64), MOST_CUTS - 2)
        order = np.lexsort((-self.right, part))
        first = np.r_[True, part[order][1:] != part[order][:-1]]
        return np.unique(np.r_[0, order[first], len(part) - 1])

    @property
    def weight(self) -> float:
        """Weight of the group."""
        return self.positive + self.negative

    @cached_property
    def rate(self) -> Floats:
        """(K,) selection rate."""
        return np.minimum((self.true + self.false) / self.weight, 1.0)

    @cached_property
    def right(self) -> Floats:
        """(K,) weight of the right decisions."""
        return self.true + self.negative - self.false

    @cached_property
    def gain(self) -> Floats:
        """(K,) weight of the right decisions less the price of those selected: what is maximised."""
        return self.right - self.price * (self.true + self.false)

    @cached_property
    def true_rate(self) -> Floats | None:
        """(K,) true positive rate; None where the group has no positive row."""
        return np.minimum(self.true / self.positive, 1.0) if self.positive else None

    @cached_property
    def false_rate(self) -> Floats | None:
        """(K,) false positive rate; None where the group has no negative row."""
        return np.minimum(self.false / self.negative, 1.0) if self.negative else None

    @cached_property
    def _ranges(self) -> list[Places]:
        """Best threshold in every range of 2^i thresholds: a sparse table."""
        tables = [np.arange(len(self.gain))]
        width = 1
        while 2 * width <= len(self.gain):
            left, right = tables[-1][:-width], tables[-1][width:]
            tables.append(np.where(self.gain[left] >= self.gain[right], left, right))
            width *= 2
        return tables

    def best(self, first: Places, last: Places) -> Places:
        """The threshold with the largest gain among ``first`` to ``last`` (both in); −1 where that range is empty."""
        span = last - first + 1
        empty = span < 1
        level = np.zeros(len(span), dtype=np.intp)
        level[~empty] = np.floor(np.log2(span[~empty])).astype(np.intp)
        found = np.full(len(span), -1, dtype=np.intp)
        for i, table in enumerate(self._ranges):
            mine = ~empty & (level == i)
            left, right = table[first[mine]], table[last[mine] - (1 << i) + 1]
            found[mine] = np.where(self.gain[left] >= self.gain[right], left, right)
        return found

    def written(self, cut: int) -> float | None:
        """The threshold with the fewest digits that selects the same people; None for nobody, 0 for everybody."""
        threshold, above = float(self.threshold[cut]), float(self.above[cut])
        if np.isinf(threshold):
            return None
        if cut == len(self.threshold) - 1:
            return 0.0
        for digits in range(2, _MOST_DIGITS):
            short = floor(threshold * 10.0**digits) / 10.0**digits
            if above < short <= threshold:
                return short
        return threshold
