"""What may be said where small cells were held back: only numbers whose every cell is known. Pure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from audits.counted import Counted
from audits.measurement import Measurement
from audits.rates import RATES
from audits.tensor import CELLS, CountTensor

Known = npt.NDArray[np.bool_]


def known_cells(counted: Counted, margin: CountTensor) -> Known:
    """(G, 4) which cells of a margin are known.

    Where cells were held back, an absent cell may be empty or small: it is not known. Nor is any cell of a sum over columns,
    since a small one may lack in it.
    """
    if not counted.suppressed:
        return np.ones(margin.counts.shape, dtype=np.bool_)
    if margin.columns != counted.tensor.columns:
        return np.zeros(margin.counts.shape, dtype=np.bool_)
    return margin.counts > 0


def shown(measurement: Measurement, known: Known, why: str) -> Measurement:
    """The measurement, or that it is held back: where a cell that its metric rests on is not known.

    Parameters
    ----------
    known
        (4,) which cells of its slice are known.
    why
        The note, see :attr:`audits.counted.Counted.held_back`.
    """
    if known.all() or _needed(measurement.metric) <= {
        name for name, is_known in zip(CELLS, known, strict=True) if is_known
    }:
        return measurement if known.all() else replace(measurement, counts={})
    return replace(measurement, value=None, low=None, high=None, n=0, counts={}, note=why)


def _needed(metric: str) -> set[str]:
    if metric in CELLS:
        return {metric}
    return set(RATES[metric].of) if metric in RATES else set(CELLS)
