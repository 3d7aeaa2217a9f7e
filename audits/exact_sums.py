"""Sums of floating-point numbers that are the same to the bit on every engine, thread and order of rows. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from math import frexp
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa

_HIGH, _LOW = 30, 31


@dataclass(frozen=True, slots=True)
class ExactSum:
    """The sum of numbers in ``[0, largest]``, taken as two sums of whole numbers.

    Attributes
    ----------
    name
        Of the sum; its two parts are the columns ``<name>_high`` and ``<name>_low`` of a grouped result.
    largest
        An upper limit of the numbers, above 0.

    Notes
    -----
    Floating-point addition depends on its order, which parallel engines do not keep. Scaled by a power of two (which is
    exact), each number ``x`` splits into a whole part below 2^30 and the next 31 bits; whole numbers add up to the same in
    any order. What is cut off each number is below ``largest`` · 2^−60; up to 2^32 rows fit.
    """

    name: str
    largest: float

    @property
    def _scale(self) -> float:
        return 2.0 ** (_HIGH - frexp(self.largest)[1])

    def measures(self, value: ibis.Value) -> dict[str, ibis.Value]:
        """The two reductions to ask an engine for."""
        scaled = value.cast("float64") * self._scale
        high = scaled.floor().cast("int64")
        low = ((scaled - high.cast("float64")) * float(1 << _LOW)).floor().cast("int64")
        return {f"{self.name}_high": high.sum().cast("int64"), f"{self.name}_low": low.sum().cast("int64")}

    def of(self, table: pa.Table) -> npt.NDArray[np.float64]:
        """The sums, one per row of the grouped result."""
        high, low = (whole_numbers(table[f"{self.name}_{part}"]) for part in ("high", "low"))
        # The carry goes over while both are whole, so that only the last step rounds.
        carry = low >> _LOW
        return ((high + carry) + (low - (carry << _LOW)) / float(1 << _LOW)) / self._scale


def whole_numbers(column: Any) -> npt.NDArray[np.int64]:
    """A column of a grouped result as whole numbers."""
    import pyarrow as pa

    values: npt.NDArray[np.int64] = column.cast(pa.int64()).to_numpy()
    return values
