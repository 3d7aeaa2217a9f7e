"""The joint table of two models' decisions: groups × label × challenger × champion, counted once. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from audits.predictions import Predictions
from registry.errors import InvalidInput

Counts = npt.NDArray[np.int64]
_CELLS = 8
_MOST_GROUPS = 100_000


@dataclass(frozen=True, slots=True)
class PairedCounts:
    """A rate of two models on the same ``n`` rows: its successes, and those that only one of the two has."""

    challenger: int
    champion: int
    challenger_only: int
    champion_only: int
    n: int

    @property
    def difference(self) -> float:
        """Challenger − champion; NaN without rows."""
        return (self.challenger_only - self.champion_only) / self.n if self.n else float("nan")


@dataclass(frozen=True, eq=False, kw_only=True)
class JointTable:
    """Rows by group, label and both decisions.

    Attributes
    ----------
    columns
        The columns that name the groups; none for everybody.
    slices
        ``{column: group}`` of each of the G groups, in the order of their names.
    counts
        (G, 2, 2, 2): label, challenger's decision, champion's decision.
    place
        (n,) the group of every row.
    """

    columns: tuple[str, ...]
    slices: tuple[dict[str, str], ...]
    counts: Counts
    place: npt.NDArray[np.intp]

    @cached_property
    def sizes(self) -> list[int]:
        """Rows of each group."""
        return [int(n) for n in self.counts.sum(axis=(1, 2, 3))]

    @cached_property
    def order(self) -> npt.NDArray[np.intp]:
        """The rows by group, within a group as they came."""
        return np.argsort(self.place, kind="stable")

    def rows(self, group: int) -> npt.NDArray[np.intp]:
        """The rows of a group."""
        starts = np.concatenate([[0], np.cumsum(self.sizes)])
        return self.order[starts[group] : starts[group + 1]]


def joint_table(challenger: Predictions, champion: Predictions, columns: Sequence[str] = ()) -> JointTable:
    """Count two models' decisions on the same rows, by the groups of the challenger's ``columns``.

    Raises
    ------
    InvalidInput
        If the columns cross to more than 100,000 groups.
    """
    crossed = np.zeros(len(challenger), dtype=np.int64)
    for column in columns:
        codes, names = challenger.sensitive[column]
        crossed = crossed * len(names) + codes
    present, place = np.unique(crossed, return_inverse=True)
    if len(present) > _MOST_GROUPS:
        raise InvalidInput(f"{' × '.join(columns)} cross to {len(present):,} groups; cross fewer columns", field="over")
    cell = challenger.label.astype(np.int64) * 4 + challenger.prediction * 2 + champion.prediction
    counts = np.bincount(place * _CELLS + cell, minlength=len(present) * _CELLS).reshape(-1, 2, 2, 2)
    return JointTable(
        columns=tuple(columns),
        slices=tuple(_slice(challenger, columns, int(code)) for code in present),
        counts=counts,
        place=place,
    )


def _slice(predictions: Predictions, columns: Sequence[str], code: int) -> dict[str, str]:
    named: dict[str, str] = {}
    for column in reversed(columns):
        names = predictions.sensitive[column][1]
        code, index = divmod(code, len(names))
        named[column] = names[index]
    return {column: named[column] for column in columns}


def paired_rates(counts: Counts) -> dict[str, PairedCounts]:
    """Accuracy, recall, false positive rate and selection rate of both models, from one group's (2, 2, 2) counts."""
    negative, positive = counts
    right = positive + negative[::-1, ::-1]
    tables = {
        "accuracy_score": right,
        "recall_score": positive,
        "false_positive_rate": negative,
        "selection_rate": positive + negative,
    }
    return {metric: _paired(table) for metric, table in tables.items()}


def _paired(table: Counts) -> PairedCounts:
    """``table[a, b]``: rows in which the challenger's success is ``a`` and the champion's ``b``."""
    return PairedCounts(
        challenger=int(table[1].sum()),
        champion=int(table[:, 1].sum()),
        challenger_only=int(table[1, 0]),
        champion_only=int(table[0, 1]),
        n=int(table.sum()),
    )
