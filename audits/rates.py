"""Rates as sums of cells of the count tensor, with their intervals and effective sample sizes. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audits.intervals import Bounds, Floats, wilson
from audits.tensor import CELLS, CountTensor


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate of a group: the share of the cells ``of`` that fall in the cells ``part``."""

    name: str
    part: frozenset[str]
    of: frozenset[str]

    def sums(self, tensor: CountTensor) -> tuple[Floats, Floats, npt.NDArray[np.int64]]:
        """Per group: effective numerator, effective denominator, and rows in the denominator.

        Notes
        -----
        With weights, the denominator is Kish's effective size ``(Σw)²/Σw²`` (Kish 1965, "Survey Sampling", section 11.7) and
        the numerator the weighted rate times it; without, both are counts.
        """
        part, of = _columns(self.part), _columns(self.of)
        rows = tensor.counts[:, of].sum(axis=1)
        if tensor.squares is None:
            return tensor.counts[:, part].sum(axis=1).astype(np.float64), rows.astype(np.float64), rows
        mass = tensor.weights[:, of].sum(axis=1)
        squares = tensor.squares[:, of].sum(axis=1)
        size = np.divide(mass**2, squares, out=np.zeros_like(mass), where=squares > 0)
        share = np.divide(tensor.weights[:, part].sum(axis=1), mass, out=np.zeros_like(mass), where=mass > 0)
        return share * size, size, rows

    def point(self, tensor: CountTensor) -> Floats:
        """Per group: the weighted share; NaN where the denominator is empty."""
        part = tensor.weights[:, _columns(self.part)].sum(axis=1)
        of = tensor.weights[:, _columns(self.of)].sum(axis=1)
        point: Floats = np.divide(part, of, out=np.full(len(of), np.nan), where=of > 0)
        return point

    def interval(self, tensor: CountTensor, z: float) -> Bounds:
        """Per group: Wilson's limits; NaN where the denominator is empty."""
        part, of, _ = self.sums(tensor)
        return wilson(part, of, z)


def _columns(cells: frozenset[str]) -> list[int]:
    return [index for index, name in enumerate(CELLS) if name in cells]


def _rate(name: str, part: str, of: str) -> Rate:
    return Rate(name, frozenset(part.split()), frozenset(of.split()))


_ALL = "tp fp tn fn"
SELECTION_RATE = _rate("selection_rate", "tp fp", _ALL)
TRUE_POSITIVE_RATE = _rate("true_positive_rate", "tp", "tp fn")
FALSE_POSITIVE_RATE = _rate("false_positive_rate", "fp", "fp tn")
FALSE_NEGATIVE_RATE = _rate("false_negative_rate", "fn", "tp fn")
TRUE_NEGATIVE_RATE = _rate("true_negative_rate", "tn", "fp tn")
ACCURACY = _rate("accuracy_score", "tp tn", _ALL)
PRECISION = _rate("precision_score", "tp", "tp fp")
RECALL = _rate("recall_score", "tp", "tp fn")

RATES = {
    rate.name: rate
    for rate in (
        SELECTION_RATE,
        TRUE_POSITIVE_RATE,
        FALSE_POSITIVE_RATE,
        FALSE_NEGATIVE_RATE,
        TRUE_NEGATIVE_RATE,
        ACCURACY,
        PRECISION,
        RECALL,
    )
}
"""Every rate by its name."""

GROUP_RATES = (SELECTION_RATE, TRUE_POSITIVE_RATE, FALSE_POSITIVE_RATE, FALSE_NEGATIVE_RATE, ACCURACY, PRECISION)
"""The rates that are measured of every group."""


def interval_method(tensor: CountTensor) -> str:
    """Name of the interval of a rate of this tensor."""
    return "wilson" if tensor.mass is None else "wilson-kish"
