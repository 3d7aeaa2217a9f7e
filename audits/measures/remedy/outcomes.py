"""What decisions by given thresholds would be worth: parity, odds and accuracy over groups, with intervals. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from audits.intervals import Bounds, Floats, critical_value, koopman_ratio, newcombe_difference, wilson
from audits.measures.pairs import Pairs, largest_gap, smallest_quotient
from audits.measures.remedy.curves import Curve
from audits.tensor import CELLS, CountTensor

Interval = tuple[float | None, float | None, float | None]
_UNDEFINED: Interval = (None, None, None)


@dataclass(frozen=True, eq=False, kw_only=True)
class Outcome:
    """Decisions over G groups.

    Attributes
    ----------
    cells
        (G, 4) weights by :data:`audits.tensor.CELLS`.
    size
        (G,) Kish's effective rows by unit of weight.
    """

    cells: Floats
    size: Floats

    @classmethod
    def of_tensor(cls, tensor: CountTensor) -> Outcome:
        """The decisions as they were counted."""
        weight = tensor.weights.sum(axis=1)
        squares = weight if tensor.squares is None else tensor.squares.sum(axis=1)
        return cls(cells=tensor.weights.copy(), size=weight / squares)

    def with_cuts(self, members: Sequence[int], curves: Sequence[Curve], cuts: Sequence[int]) -> Outcome:
        """The same, but for some groups decided by threshold."""
        cells = self.cells.copy()
        for member, curve, cut in zip(members, curves, cuts, strict=True):
            true, false = float(curve.true[cut]), float(curve.false[cut])
            by = {"tp": true, "fp": false, "fn": curve.positive - true, "tn": curve.negative - false}
            cells[member] = [max(by[cell], 0.0) for cell in CELLS]
        return Outcome(cells=cells, size=self.size)

    def _part(self, part: str, of: str) -> tuple[Floats, Floats]:
        """(G,) effective numerators and denominators of a rate."""
        columns = [[CELLS.index(cell) for cell in names.split()] for names in (part, of)]
        first, second = (self.cells[:, chosen].sum(axis=1) * self.size for chosen in columns)
        return first, second

    def selection_rates(self) -> Floats:
        """(G,) selection rates."""
        part, of = self._part("tp fp", "tp fp tn fn")
        return part / of

    def selected(self, members: Sequence[int]) -> float:
        """Weight selected in some groups."""
        return float(self.cells[list(members)][:, [CELLS.index("tp"), CELLS.index("fp")]].sum())

    def parity_ratio(self, members: Sequence[int], confidence: float) -> Interval:
        """``demographic_parity_ratio`` over some groups, with simultaneous Koopman limits."""
        part, of = (values[list(members)] for values in self._part("tp fp", "tp fp tn fn"))

        def limits(one: Pairs, two: Pairs, z: float) -> Bounds:
            return koopman_ratio(part[one], of[one], part[two], of[two], z)

        found = smallest_quotient(part / of, limits, confidence)
        return _UNDEFINED if found is None else (found.value, found.low, found.high)

    def odds_difference(self, members: Sequence[int], confidence: float) -> Interval:
        """``equalized_odds_difference`` over the groups that have both labels, with simultaneous Newcombe limits."""
        gaps = []
        for part_names, of_names in (("tp", "tp fn"), ("fp", "fp tn")):
            part, of = (values[list(members)] for values in self._part(part_names, of_names))
            part, of = part[of > 0], of[of > 0]

            def limits(one: Pairs, two: Pairs, z: float, part: Floats = part, of: Floats = of) -> Bounds:
                return newcombe_difference(part[one], of[one], part[two], of[two], z)

            gap = largest_gap(part / of, limits, confidence, families=2)
            if gap is None:
                return _UNDEFINED
            gaps.append(gap)
        return max(g.value for g in gaps), max(g.low for g in gaps), max(g.high for g in gaps)

    def accuracy(self, confidence: float) -> tuple[float, float, float]:
        """``accuracy_score`` over everybody, with Wilson's limits on Kish's effective size."""
        weight = float(self.cells.sum())
        right = float(self.cells[:, [CELLS.index("tp"), CELLS.index("tn")]].sum())
        size = weight**2 / float((self.cells.sum(axis=1) / self.size).sum())
        low, high = wilson(right / weight * size, size, critical_value(confidence))
        return right / weight, float(np.asarray(low)), float(np.asarray(high))
