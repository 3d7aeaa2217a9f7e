"""Several sums asked of an engine at once, each the same to the bit whatever the order of rows. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from audits.engines.port import ROWS
from audits.exact_sums import ExactSum, whole_numbers
from audits.intervals import Floats

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class SumSet:
    """Named sums over rows: of numbers with a known limit, or counts of what is true.

    Attributes
    ----------
    numbers
        Name to the expression summed and the largest absolute value that it can have.
    counts
        Name to the truth that is counted.
    """

    numbers: dict[str, tuple[ibis.Value, float]] = field(default_factory=dict)
    counts: dict[str, ibis.Value] = field(default_factory=dict)

    def measures(self) -> dict[str, ibis.Value]:
        """The reductions to ask an engine for."""
        wanted = {name: truth.cast("int64").sum().cast("int64") for name, truth in self.counts.items()}
        for name, (value, largest) in self.numbers.items():
            wanted |= ExactSum(name, largest).measures(value)
        return wanted

    def read(self, table: pa.Table) -> dict[str, Floats]:
        """The sums, and the row count ``n``, one value per row of the grouped result."""
        wanted = [name for name in table.column_names if name in self.measures() or name == ROWS]
        filled = table.select(wanted)
        for place, name in enumerate(wanted):
            filled = filled.set_column(place, name, filled[name].fill_null(0))
        found = {name: whole_numbers(filled[name]).astype(np.float64) for name in (*self.counts, ROWS)}
        return found | {name: ExactSum(name, largest).of(filled) for name, (_, largest) in self.numbers.items()}


def joined(sets: Iterable[SumSet]) -> SumSet:
    """All sums of several sets."""
    every = list(sets)
    return SumSet(
        numbers={name: pair for one in every for name, pair in one.numbers.items()},
        counts={name: truth for one in every for name, truth in one.counts.items()},
    )
