"""Rates as sums of cells of the count tensor, with points by fairlearn's MetricFrame and effective sample sizes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

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

GROUP_RATES = (SELECTION_RATE, TRUE_POSITIVE_RATE, FALSE_POSITIVE_RATE, FALSE_NEGATIVE_RATE, ACCURACY)


def interval_method(tensor: CountTensor) -> str:
    """Name of the interval of a rate of this tensor."""
    return "wilson" if tensor.mass is None else "wilson-kish"


def group_points(tensor: CountTensor) -> dict[str, Floats]:
    """Point values of :data:`GROUP_RATES` per group, by fairlearn on the compressed table.

    Returns
    -------
    dict
        Rate name to (G,) values; NaN where a group has no row in the denominator (fairlearn itself says 0 there).

    Notes
    -----
    ``fairlearn.metrics.MetricFrame`` over at most ``4 G`` rows, one per occupied cell, with the cell's weight as
    ``sample_weight``: the same values as on the rows themselves, without reading them again.
    """
    import pandas as pd
    from fairlearn import metrics as fair
    from sklearn.metrics import accuracy_score

    functions: dict[str, Any] = {
        SELECTION_RATE.name: fair.selection_rate,
        TRUE_POSITIVE_RATE.name: fair.true_positive_rate,
        FALSE_POSITIVE_RATE.name: fair.false_positive_rate,
        FALSE_NEGATIVE_RATE.name: fair.false_negative_rate,
        ACCURACY.name: accuracy_score,
    }
    group, cell = np.nonzero(tensor.counts)
    weight = tensor.weights[group, cell]
    frame = fair.MetricFrame(
        metrics=functions,
        y_true=cell // 2,
        y_pred=cell % 2,
        sensitive_features=pd.Series(group, name="group"),
        sample_params={name: {"sample_weight": weight} for name in functions},
    )
    by_group = frame.by_group.sort_index()
    points = {}
    for rate in GROUP_RATES:
        values = by_group[rate.name].to_numpy(dtype=np.float64).copy()
        values[np.isnan(rate.point(tensor))] = np.nan
        points[rate.name] = values
    return points
